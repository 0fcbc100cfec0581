%% SPDX-License-Identifier: MIT
%% A shared table of 1,000,000 keys: two processes, 95 % lookups and 5 % inserts, in random order.
%% The second argument is `set` or `ordered`.
-module(table).
-export([main/1]).

-define(KEYS, 1000000).
-define(PROCESSES, 2).
-define(INSERTS, 5).

main([Size]) ->
    main([Size, "set"]);
main([Size, Variant]) ->
    Each = list_to_integer(Size),
    Table = ets:new(ets, [type(Variant), public, {read_concurrency, true}, {write_concurrency, true}]),
    [ets:insert(Table, {Key, Key}) || Key <- lists:seq(0, ?KEYS - 1)],
    Boss = self(),
    Start = erlang:monotonic_time(),
    [spawn(fun() -> Boss ! {done, work(Table, Seed, Each, 0)} end)
     || Seed <- lists:seq(1, ?PROCESSES)],
    [receive {done, _} -> ok end || _ <- lists:seq(1, ?PROCESSES)],
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("table ~.3f operations/s~n", [Each * ?PROCESSES / Seconds]),
    halt().

type("set") -> set;
type("ordered") -> ordered_set.

work(_Table, _X, 0, Sum) ->
    Sum;
work(Table, X0, N, Sum) ->
    X = X0 * 48271 rem 2147483647,
    Key = X * ?KEYS bsr 31,
    if
        X rem 100 < ?INSERTS ->
            ets:insert(Table, {Key, N}),
            work(Table, X, N - 1, Sum);
        true ->
            [{_, Value}] = ets:lookup(Table, Key),
            work(Table, X, N - 1, Sum + Value)
    end.
