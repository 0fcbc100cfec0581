%% SPDX-License-Identifier: MIT
%% Ring: a thousand processes in a circle hand one token on; the token counts the hops left.
-module(ring).
-export([main/1]).

-define(MEMBERS, 1000).

main([Size]) ->
    Hops = list_to_integer(Size),
    First = make_ring(),
    Start = erlang:monotonic_time(),
    First ! Hops,
    receive done -> ok end,
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("ring ~.3f hops/s~n", [Hops / Seconds]),
    halt().

make_ring() ->
    Watcher = self(),
    Members = [spawn(fun() -> member(Watcher) end) || _ <- lists:seq(1, ?MEMBERS)],
    [First | Others] = Members,
    [Pid ! {next, Next} || {Pid, Next} <- lists:zip(Members, Others ++ [First])],
    First.

member(Watcher) ->
    receive {next, Next} -> member(Watcher, Next) end.

member(Watcher, Next) ->
    receive
        0 ->
            Watcher ! done,
            member(Watcher, Next);
        Left when is_integer(Left) ->
            Next ! Left - 1,
            member(Watcher, Next)
    end.
