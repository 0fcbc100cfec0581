%% SPDX-License-Identifier: MIT
%% Concurrent sorted linked list: 20 workers ask an actor that holds a list, Size times each: one
%% time in a hundred for its length, one in ten to add, else whether a number is there. The check is
%% the sum of the numbers in the end.
-module(concsll).
-export([main/1]).

-define(WORKERS, 20).
-define(WRITE_PERCENT, 10).
-define(SIZE_PERCENT, 1).

main(Args) -> savina:main(concsll, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    List = spawn(fun() -> list([], 0) end),
    [spawn(fun() -> worker(Self, List, I + Size + ?WRITE_PERCENT + ?SIZE_PERCENT, Size) end)
     || I <- lists:seq(0, ?WORKERS - 1)],
    savina:await(?WORKERS),
    List ! {stop, Self},
    savina:await(1).

list(List, Length) ->
    receive
        {contains, From, Value} ->
            From ! {result, lists:member(Value, List)},
            list(List, Length);
        {write, From, Value} ->
            From ! {result, Value},
            list(add(Value, List), Length + 1);
        {size, From} ->
            From ! {result, Length},
            list(List, Length);
        {stop, From} ->
            From ! {done, lists:sum(List)}
    end.

add(Value, [First | Rest]) when First =< Value -> [First | add(Value, Rest)];
add(Value, List) -> [Value | List].

worker(Parent, _List, _Random, 0) ->
    Parent ! {done, 0};
worker(Parent, List, Random, Left) ->
    Last = ask(List, savina:random(Random)),
    receive {result, _} -> worker(Parent, List, Last, Left - 1) end.

ask(List, Random) when Random rem 100 < ?SIZE_PERCENT ->
    List ! {size, self()},
    Random;
ask(List, Random) when Random rem 100 < ?SIZE_PERCENT + ?WRITE_PERCENT ->
    Value = savina:random(Random),
    List ! {write, self(), Value},
    Value;
ask(List, Random) ->
    Value = savina:random(Random),
    List ! {contains, self(), Value},
    Value.
