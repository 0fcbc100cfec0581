%% SPDX-License-Identifier: MIT
%% Trapezoidal approximation: the area below a function from 1 to 5 in Size pieces by 100 workers.
%% The check is the area in millionths.
-module(trapezoid).
-export([main/1]).

-define(WORKERS, 100).
-define(FIRST, 1.0).
-define(LAST, 5.0).

main(Args) -> savina:main(trapezoid, Args, fun iterate/1).

iterate(Size) ->
    Range = (?LAST - ?FIRST) / ?WORKERS,
    Piece = (?LAST - ?FIRST) / Size,
    [begin
         Left = Range * I + ?FIRST,
         spawn(fun worker/0) ! {work, self(), Left, Left + Range, Piece}
     end || I <- lists:seq(0, ?WORKERS - 1)],
    Areas = [receive {area, Area} -> Area end || _ <- lists:seq(1, ?WORKERS)],
    round(lists:sum(Areas) * 1.0e6).

worker() ->
    receive
        {work, Master, Left, Right, Piece} ->
            Master ! {area, area(0, trunc((Right - Left) / Piece), Left, Piece, 0.0)}
    end.

area(N, N, _Left, _Piece, Area) ->
    Area;
area(I, N, Left, Piece, Area) ->
    X = I * Piece + Left,
    area(I + 1, N, Left, Piece, Area + 0.5 * (f(X) + f(X + Piece)) * Piece).

f(X) ->
    A = math:sin(math:pow(X, 3) - 1),
    B = X + 1,
    D = math:sqrt(1 + math:exp(math:sqrt(2 * X))),
    A / B * D.
