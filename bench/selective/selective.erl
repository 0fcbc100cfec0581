%% SPDX-License-Identifier: MIT
%% Selective receive: each match is found behind 10,000 queued messages that stay where they are.
-module(selective).
-export([main/1]).

-define(QUEUED, 10000).

main([Size]) ->
    N = list_to_integer(Size),
    [self() ! {noise, I} || I <- lists:seq(1, ?QUEUED)],
    Start = erlang:monotonic_time(),
    match(N),
    Us = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native) * 1.0e6,
    io:format("selective ~.3f us~n", [Us / N]),
    halt().

match(0) ->
    ok;
match(N) ->
    self() ! {wanted, N},
    receive {wanted, N} -> match(N - 1) end.
