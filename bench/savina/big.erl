%% SPDX-License-Identifier: MIT
%% Big: 120 actors, each of which sends Size pings, one at a time, each to an actor it chooses at
%% random, and answers the pings of all others meanwhile. The check is the sum of those answered.
-module(big).
-export([main/1]).

-define(ACTORS, 120).

main(Args) -> savina:main(big, Args, fun iterate/1).

iterate(Size) ->
    Sink = self(),
    Pids = [spawn(fun() -> actor(Sink, Id, Size) end) || Id <- lists:seq(0, ?ACTORS - 1)],
    Actors = list_to_tuple(Pids),
    [Pid ! {actors, Actors} || Pid <- Pids],
    [Pid ! {pong, -1} || Pid <- Pids],
    savina:await(?ACTORS),
    [Pid ! stop || Pid <- Pids],
    savina:await(?ACTORS).

actor(Sink, Id, Pings) ->
    receive
        {actors, Actors} -> loop(-1, Id, Actors, Id, Pings, 0, Sink)
    end.

loop(Expected, Id, Actors, Random, Left, Answered, Sink) ->
    receive
        {ping, From} ->
            element(From + 1, Actors) ! {pong, Id},
            loop(Expected, Id, Actors, Random, Left, Answered + 1, Sink);
        {pong, Expected} when Left =:= 0 ->
            Sink ! {done, 0},
            loop(Expected, Id, Actors, Random, Left, Answered, Sink);
        {pong, Expected} ->
            Next = savina:random(Random),
            To = Next rem ?ACTORS,
            element(To + 1, Actors) ! {ping, Id},
            loop(To, Id, Actors, Next, Left - 1, Answered, Sink);
        stop ->
            Sink ! {done, Answered}
    end.
