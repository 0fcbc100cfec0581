%% SPDX-License-Identifier: MIT
%% Eight endless loops, and a process that sleeps for 1 ms again and again: how late it wakes, in ms,
%% the 99th percentile, or with max the worst.
-module(fair).
-export([main/1]).

main([Size | Which]) ->
    N = list_to_integer(Size),
    [spawn(fun loop/0) || _ <- lists:seq(1, 8)],
    receive after 100 -> ok end,
    Late = lists:sort([sleep() || _ <- lists:seq(1, N)]),
    At = case Which of ["max"] -> N; _ -> N * 99 div 100 end,
    io:format("fair ~.3f ms~n", [lists:nth(At, Late) / 1.0e6]),
    halt().

loop() ->
    loop().

sleep() ->
    Due = erlang:monotonic_time(nanosecond) + 1000000,
    receive after 1 -> ok end,
    erlang:monotonic_time(nanosecond) - Due.
