%% SPDX-License-Identifier: MIT
%% Spawn: a million processes that end at once; the last one tells the parent.
-module(spawn).
-export([main/1]).

main([Size]) ->
    N = list_to_integer(Size),
    Parent = self(),
    Running = atomics:new(1, []),
    Start = erlang:monotonic_time(),
    atomics:put(Running, 1, N),
    start(N, fun() -> child(Running, Parent) end),
    receive done -> ok end,
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("spawn ~.3f processes/s~n", [N / Seconds]),
    halt().

start(0, _Child) ->
    ok;
start(N, Child) ->
    spawn(Child),
    start(N - 1, Child).

child(Running, Parent) ->
    case atomics:sub_get(Running, 1, 1) of
        0 -> Parent ! done;
        _ -> ok
    end.
