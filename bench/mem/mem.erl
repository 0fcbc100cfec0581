%% SPDX-License-Identifier: MIT
%% Memory of a million blocked processes, in bytes each: resident pages and page tables, less what
%% the program held before. The second argument is `suspended` or `hibernated`.
-module(mem).
-export([main/1, wait_for_stop/0]).

main([Size, Variant]) ->
    N = list_to_integer(Size),
    Parent = self(),
    Missing = atomics:new(1, []),
    Before = memory_kib(),
    atomics:put(Missing, 1, N),
    start(N, child(Variant, Missing, Parent)),
    receive ready -> ok end,
    io:format("mem ~.3f bytes~n", [(memory_kib() - Before) * 1024 / N]),
    halt().

start(0, _Child) ->
    ok;
start(N, Child) ->
    spawn(Child),
    start(N - 1, Child).

child("suspended", Missing, Parent) ->
    fun() ->
        arrive(Missing, Parent),
        wait_for_stop()
    end;
child("hibernated", Missing, Parent) ->
    fun() ->
        arrive(Missing, Parent),
        erlang:hibernate(?MODULE, wait_for_stop, [])
    end.

arrive(Missing, Parent) ->
    case atomics:sub_get(Missing, 1, 1) of
        0 -> Parent ! ready;
        _ -> ok
    end.

wait_for_stop() ->
    receive stop -> ok end.

memory_kib() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, Found} = re:run(Status, "Vm(?:RSS|PTE):\\s+(\\d+)", [global, {capture, [1], binary}]),
    lists:sum([binary_to_integer(Kib) || [Kib] <- Found]).
