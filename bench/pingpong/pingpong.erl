%% SPDX-License-Identifier: MIT
%% Ping-pong: two processes, {ping, Pid, N} there and {pong, Pid, N} back.
-module(pingpong).
-export([main/1]).

main([Size]) ->
    N = list_to_integer(Size),
    Partner = spawn(fun ponger/0),
    Start = erlang:monotonic_time(),
    pinger(Partner, N),
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("pingpong ~.3f messages/s~n", [2 * N / Seconds]),
    halt().

pinger(_Partner, 0) ->
    ok;
pinger(Partner, N) ->
    Partner ! {ping, self(), N},
    receive {pong, Partner, N} -> pinger(Partner, N - 1) end.

ponger() ->
    receive
        {ping, From, N} ->
            From ! {pong, self(), N},
            ponger()
    end.
