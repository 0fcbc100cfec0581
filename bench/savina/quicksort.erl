%% SPDX-License-Identifier: MIT
%% Quicksort: an actor parts its numbers by a pivot, lets two actors sort what is smaller and what
%% is greater, and puts the three together; below 2,048 numbers it sorts alone. The check is a sum
%% that depends on the order.
-module(quicksort).
-export([main/1]).

-define(ALONE, 2048).

main(Args) -> savina:main(quicksort, Args, fun prepare/1, fun iterate/1).

prepare(Size) -> put(input, numbers(1024, Size)).

numbers(_Last, 0) ->
    [];
numbers(Last, Left) ->
    Random = savina:random(Last),
    [Random | numbers(Random, Left - 1)].

iterate(_Size) ->
    start(whole, get(input)),
    receive {result, whole, Sorted} -> check_sorted(Sorted, 0, 0, 0) end.

check_sorted([], _Last, _I, Sum) -> Sum;
check_sorted([Number | Rest], Last, I, Sum) when Number >= Last ->
    check_sorted(Rest, Number, I + 1, Sum + Number * (I rem 10)).

start(Side, Numbers) ->
    Parent = self(),
    spawn(fun() -> sorter(Parent) end) ! {sort, Side, Numbers}.

sorter(Parent) ->
    receive
        {sort, Side, Numbers} -> Parent ! {result, Side, sort(Numbers, length(Numbers))}
    end.

sort(Numbers, N) when N < ?ALONE ->
    alone(Numbers);
sort(Numbers, N) ->
    {Less, Equal, Greater} = part(Numbers, lists:nth(N div 2 + 1, Numbers), [], [], []),
    start(less, Less),
    start(greater, Greater),
    receive
        {result, less, SortedLess} ->
            receive
                {result, greater, SortedGreater} -> SortedLess ++ Equal ++ SortedGreater
            end
    end.

part([], _Pivot, Less, Equal, Greater) -> {Less, Equal, Greater};
part([X | Xs], Pivot, Less, Equal, Greater) when X < Pivot ->
    part(Xs, Pivot, [X | Less], Equal, Greater);
part([X | Xs], Pivot, Less, Equal, Greater) when X > Pivot ->
    part(Xs, Pivot, Less, Equal, [X | Greater]);
part([X | Xs], Pivot, Less, Equal, Greater) ->
    part(Xs, Pivot, Less, [X | Equal], Greater).

alone([]) ->
    [];
alone([Pivot | Rest]) ->
    {Less, Equal, Greater} = part(Rest, Pivot, [], [Pivot], []),
    alone(Less) ++ Equal ++ alone(Greater).
