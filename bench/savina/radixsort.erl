%% SPDX-License-Identifier: MIT
%% Radix sort: a chain of 60 actors, one for each bit, through which Size numbers go; each passes on
%% those without its bit, then, when all have come, the others. The check is a sum that depends on
%% the order.
-module(radixsort).
-export([main/1]).

-define(BITS, 60).

main(Args) -> savina:main(radixsort, Args, fun iterate/1).

iterate(Size) ->
    First = lists:foldl(
        fun(Bit, Next) -> spawn(fun() -> sorter(Next, 1 bsl Bit, [], Size) end) end,
        self(),
        lists:seq(?BITS - 1, 0, -1)),
    spawn(fun() -> source(First, 2048, Size) end),
    check_sorted(0, 0, 0, Size).

source(_Next, _Random, 0) ->
    ok;
source(Next, Last, Left) ->
    Random = savina:random(Last),
    Next ! {value, Random},
    source(Next, Random, Left - 1).

sorter(Next, _Radix, Kept, 0) ->
    [Next ! {value, Value} || Value <- lists:reverse(Kept)];
sorter(Next, Radix, Kept, Left) ->
    receive
        {value, Value} when Value band Radix =:= 0 ->
            Next ! {value, Value},
            sorter(Next, Radix, Kept, Left - 1);
        {value, Value} ->
            sorter(Next, Radix, [Value | Kept], Left - 1)
    end.

check_sorted(_Last, Sum, Size, Size) ->
    Sum;
check_sorted(Last, Sum, I, Size) ->
    receive
        {value, Value} when Value >= Last ->
            check_sorted(Value, Sum + Value * (I rem 10), I + 1, Size)
    end.
