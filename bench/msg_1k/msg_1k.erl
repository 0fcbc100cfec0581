%% SPDX-License-Identifier: MIT
%% Messages that carry a tuple of 1 KiB, copied: from one process to another, which says so after
%% each hundred.
-module(msg_1k).
-export([main/1]).

-define(BATCH, 100).

main([Size]) ->
    N = list_to_integer(Size),
    Self = self(),
    To = spawn(fun() -> take(Self, 1) end),
    Payload = list_to_tuple(lists:seq(1, 127)),
    Start = erlang:monotonic_time(),
    send(To, Payload, N div ?BATCH),
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("msg_1k ~.3f messages/s~n", [N / Seconds]),
    halt().

send(_To, _Payload, 0) ->
    ok;
send(To, Payload, N) ->
    batch(To, Payload, ?BATCH),
    receive next -> send(To, Payload, N - 1) end.

batch(_To, _Payload, 0) ->
    ok;
batch(To, Payload, N) ->
    To ! Payload,
    batch(To, Payload, N - 1).

take(From, ?BATCH) ->
    receive _ -> From ! next end,
    take(From, 1);
take(From, N) ->
    receive _ -> take(From, N + 1) end.
