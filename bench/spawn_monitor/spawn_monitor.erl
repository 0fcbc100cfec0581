%% SPDX-License-Identifier: MIT
%% Spawn with a monitor: 300,000 processes that end at once, and all their DOWN messages collected.
-module(spawn_monitor).
-export([main/1]).

main([Size]) ->
    N = list_to_integer(Size),
    Start = erlang:monotonic_time(),
    start(N),
    collect(N),
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("spawn_monitor ~.3f processes/s~n", [N / Seconds]),
    halt().

start(0) ->
    ok;
start(N) ->
    spawn_monitor(fun() -> ok end),
    start(N - 1).

collect(0) ->
    ok;
collect(N) ->
    receive {'DOWN', _Ref, process, _Pid, normal} -> collect(N - 1) end.
