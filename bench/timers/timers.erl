%% SPDX-License-Identifier: MIT
%% Timers: a million started, so that all are pending at once, then all cancelled. They are due
%% between one and two minutes from now, in no order; none fires.
%%
%% All of it is done twice, and the second round is timed: in the first one memory is new, and what
%% the system, or the host of a virtual machine, takes to provide it is as much as the work.
-module(timers).
-export([main/1]).

-define(EARLIEST_MS, 60000).
-define(RANGE_MS, 60000).
-define(STRIDE_MS, 7919).

main([Size]) ->
    N = list_to_integer(Size),
    do_round(N),
    Start = erlang:monotonic_time(),
    do_round(N),
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("timers ~.3f timers/s~n", [N / Seconds]),
    halt().

do_round(N) ->
    cancel(start(N, [])).

start(0, Refs) ->
    lists:reverse(Refs);
start(N, Refs) ->
    Ms = ?EARLIEST_MS + N * ?STRIDE_MS rem ?RANGE_MS,
    start(N - 1, [erlang:send_after(Ms, self(), late) | Refs]).

cancel([]) ->
    ok;
cancel([Ref | Refs]) ->
    MsLeft = erlang:cancel_timer(Ref),
    true = is_integer(MsLeft),
    cancel(Refs).
