%% SPDX-License-Identifier: MIT
%% Servers with two integers as their state, started by one process and idle then: how many a
%% second; with `memory`, the bytes of each, resident pages and page tables.
-module(servers).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

init(N) -> {ok, {N, 0}}.

handle_call(_, _, S) -> {reply, ok, S}.

handle_cast(_, S) -> {noreply, S}.

main([Size | Rest]) ->
    N = list_to_integer(Size),
    Before = memory_kib(),
    Start = erlang:monotonic_time(),
    start_all(N),
    Time = erlang:monotonic_time() - Start,
    case Rest of
        ["memory"] ->
            io:format("servers ~.3f bytes~n", [(memory_kib() - Before) * 1024 / N]);
        [] ->
            Seconds = Time / erlang:convert_time_unit(1, second, native),
            io:format("servers ~.3f servers/s~n", [N / Seconds])
    end,
    halt().

start_all(0) -> ok;
start_all(N) ->
    {ok, _} = gen_server:start(?MODULE, N, []),
    start_all(N - 1).

memory_kib() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, Found} = re:run(Status, "Vm(?:RSS|PTE):\\s+(\\d+)", [global, {capture, [1], binary}]),
    lists:sum([binary_to_integer(Kib) || [Kib] <- Found]).
