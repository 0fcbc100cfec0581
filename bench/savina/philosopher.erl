%% SPDX-License-Identifier: MIT
%% Dining philosophers: 20 philosophers eat Size times each. An arbitrator gives out both forks at
%% once, or denies them; who is denied asks again. The check is the number of meals.
-module(philosopher).
-export([main/1]).

-define(PHILOSOPHERS, 20).

main(Args) -> savina:main(philosopher, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    [spawn(fun() -> philosopher(Self, Id, Size) end) || Id <- lists:seq(0, ?PHILOSOPHERS - 1)],
    arbitrate(erlang:make_tuple(?PHILOSOPHERS, free), 0, ?PHILOSOPHERS).

philosopher(Arbitrator, _Id, 0) ->
    Arbitrator ! stop;
philosopher(Arbitrator, Id, Rounds) ->
    Arbitrator ! {hungry, self(), Id},
    receive
        denied ->
            philosopher(Arbitrator, Id, Rounds);
        eat ->
            Arbitrator ! {eaten, Id},
            philosopher(Arbitrator, Id, Rounds - 1)
    end.

arbitrate(_Forks, Meals, 0) ->
    Meals;
arbitrate(Forks, Meals, Left) ->
    receive
        {hungry, From, Id} ->
            case element(Id + 1, Forks) =:= free andalso element(other(Id), Forks) =:= free of
                true ->
                    From ! eat,
                    arbitrate(set(Forks, Id, taken), Meals, Left);
                false ->
                    From ! denied,
                    arbitrate(Forks, Meals, Left)
            end;
        {eaten, Id} ->
            arbitrate(set(Forks, Id, free), Meals + 1, Left);
        stop ->
            arbitrate(Forks, Meals, Left - 1)
    end.

other(Id) -> (Id + 1) rem ?PHILOSOPHERS + 1.

set(Forks, Id, State) ->
    setelement(Id + 1, setelement(other(Id), Forks, State), State).
