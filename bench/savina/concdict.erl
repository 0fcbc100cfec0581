%% SPDX-License-Identifier: MIT
%% Concurrent dictionary: 20 workers ask an actor that holds 524,287 keys, Size times each, one time
%% in ten to write. The check is made of the number of keys and of writes.
-module(concdict).
-export([main/1]).

-define(WORKERS, 20).
-define(WRITE_PERCENT, 10).
-define(KEYS, 524287).

main(Args) -> savina:main(concdict, Args, fun prepare/1, fun iterate/1).

prepare(_Size) ->
    persistent_term:put(?MODULE, maps:from_list([{Key, Key} || Key <- lists:seq(0, ?KEYS - 1)])).

iterate(Size) ->
    Self = self(),
    Dictionary = spawn(fun() -> dictionary(persistent_term:get(?MODULE), 0) end),
    [spawn(fun() -> worker(Self, Dictionary, I + Size + ?WRITE_PERCENT, Size) end)
     || I <- lists:seq(0, ?WORKERS - 1)],
    savina:await(?WORKERS),
    Dictionary ! {stop, Self},
    savina:await(1).

dictionary(Map, Writes) ->
    receive
        {read, From, Key} ->
            From ! {result, maps:get(Key, Map, -1)},
            dictionary(Map, Writes);
        {write, From, Key, Value} ->
            From ! {result, Value},
            dictionary(Map#{Key => Value}, Writes + 1);
        {stop, From} ->
            From ! {done, map_size(Map) * 1000000 + Writes}
    end.

worker(Parent, _Dictionary, _Random, 0) ->
    Parent ! {done, 0};
worker(Parent, Dictionary, Random, Left) ->
    Last = ask(Dictionary, savina:random(Random)),
    receive {result, _} -> worker(Parent, Dictionary, Last, Left - 1) end.

ask(Dictionary, Random) when Random rem 100 < ?WRITE_PERCENT ->
    Key = savina:random(Random),
    Value = savina:random(Key),
    Dictionary ! {write, self(), Key, Value},
    Value;
ask(Dictionary, Random) ->
    Key = savina:random(Random),
    Dictionary ! {read, self(), Key},
    Key.
