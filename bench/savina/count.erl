%% SPDX-License-Identifier: MIT
%% Counting: a producer sends Size increments to a counter, then asks for the count.
-module(count).
-export([main/1]).

main(Args) -> savina:main(count, Args, fun iterate/1).

iterate(Size) ->
    Counter = spawn(fun() -> counter(0) end),
    produce(Counter, Size),
    Counter ! {retrieve, self()},
    savina:await(1).

produce(_Counter, 0) ->
    ok;
produce(Counter, N) ->
    Counter ! increment,
    produce(Counter, N - 1).

counter(Count) ->
    receive
        increment -> counter(Count + 1);
        {retrieve, From} -> From ! {done, Count}
    end.
