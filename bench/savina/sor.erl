%% SPDX-License-Identifier: MIT
%% Successive over-relaxation: an actor for each cell of a grid of Size by Size. The cells of one
%% colour begin; each waits for the values of its neighbours, computes its own and sends it to them,
%% 100 times. The check is the sum of the last values in 1e-12.
-module(sor).
-export([main/1]).

-define(ITERATIONS, 100).
-define(OMEGA, 1.25).

main(Args) -> savina:main(sor, Args, fun iterate/1).

iterate(Size) ->
    Grid = list_to_tuple(start(0, Size, 10101010)),
    [connect(Grid, Size, I) || I <- lists:seq(0, Size * Size - 1)],
    round(savina:await(Size * Size) / 1.0e6).

start(I, Size, _Random) when I =:= Size * Size ->
    [];
start(I, Size, Last) ->
    Parent = self(),
    Random = savina:random(Last),
    Begins = (I div Size + I rem Size + 1) rem 2,
    [spawn(fun() -> cell(Parent, savina:real(Random) * 1.0e-6, Begins) end)
     | start(I + 1, Size, Random)].

%% Two neighbours at a corner, three at a side, else four.
connect(Grid, Size, I) ->
    X = I div Size,
    Y = I rem Size,
    Sides = [{X, Y + 1}, {X + 1, Y}, {X, Y - 1}, {X - 1, Y}],
    Neighbours = [element(X1 * Size + Y1 + 1, Grid)
                  || {X1, Y1} <- Sides, X1 >= 0, X1 < Size, Y1 >= 0, Y1 < Size],
    element(I + 1, Grid) ! {neighbours, Neighbours}.

cell(Parent, Value, Begins) ->
    receive
        {neighbours, Neighbours} ->
            Begins =:= 1 andalso tell(Neighbours, Value),
            Last = relax(Neighbours, Value, ?ITERATIONS - Begins),
            Parent ! {done, round(Last * 1.0e18)}
    end.

relax(_Neighbours, Value, 0) ->
    Value;
relax(Neighbours, Value, Left) ->
    Next = 0.25 * ?OMEGA * gather(Neighbours, 0.0) + (1 - ?OMEGA) * Value,
    tell(Neighbours, Next),
    relax(Neighbours, Next, Left - 1).

gather([], Sum) -> Sum;
gather([_ | Rest], Sum) -> receive {value, Value} -> gather(Rest, Sum + Value) end.

tell(Neighbours, Value) -> [Neighbour ! {value, Value} || Neighbour <- Neighbours].
