%% SPDX-License-Identifier: MIT
%% Fibonacci: an actor for each call of the recursive function; the size is its argument.
-module(fib).
-export([main/1]).

main(Args) -> savina:main(fib, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    spawn(fun() -> actor(Self, Size) end),
    savina:await(1).

actor(Parent, N) when N =< 2 ->
    Parent ! {done, 1};
actor(Parent, N) ->
    Self = self(),
    spawn(fun() -> actor(Self, N - 1) end),
    spawn(fun() -> actor(Self, N - 2) end),
    Parent ! {done, savina:await(2)}.
