%% SPDX-License-Identifier: MIT
%% Fan-in: eight senders, each as fast as it can, to one receiver.
-module(fanin).
-export([main/1]).

-define(SENDERS, 8).

main([Size]) ->
    Each = list_to_integer(Size),
    Items = Each * ?SENDERS,
    Receiver = self(),
    Start = erlang:monotonic_time(),
    [spawn(fun() -> sender(Receiver, Each) end) || _ <- lists:seq(1, ?SENDERS)],
    collect(Items),
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("fanin ~.3f messages/s~n", [Items / Seconds]),
    halt().

sender(_Receiver, 0) ->
    ok;
sender(Receiver, N) ->
    Receiver ! {item, N},
    sender(Receiver, N - 1).

collect(0) ->
    ok;
collect(N) ->
    receive {item, _} -> collect(N - 1) end.
