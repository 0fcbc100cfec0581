%% SPDX-License-Identifier: MIT
%% How late 100,000 timers are that are due within one second: the 99th percentile, in ms.
-module(timer_late).
-export([main/1]).

main([Size]) ->
    N = list_to_integer(Size),
    start(N),
    Late = lists:sort(collect(N, [])),
    io:format("timer_late ~.3f ms~n", [lists:nth(N * 99 div 100, Late) / 1.0e6]),
    halt().

start(0) ->
    ok;
start(N) ->
    Ms = 100 + N * 7919 rem 900,
    erlang:send_after(Ms, self(), now_ns() + Ms * 1000000),
    start(N - 1).

collect(0, Late) ->
    Late;
collect(N, Late) ->
    receive Due -> collect(N - 1, [now_ns() - Due | Late]) end.

now_ns() ->
    erlang:monotonic_time(nanosecond).
