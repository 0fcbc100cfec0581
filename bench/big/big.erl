%% SPDX-License-Identifier: MIT
%% Big, of the Savina suite: 128 actors, each of which sends 10,000 pings, one at a time, each to an
%% actor it chooses at random, and answers the pings of all others meanwhile. The sink hears from
%% each that is done. The random numbers are Savina's own, the same in each language.
-module(big).
-export([main/1]).

-define(ACTORS, 128).

main([Size]) ->
    Pings = list_to_integer(Size),
    Sink = self(),
    Pids = [spawn(fun() -> actor(Sink, Id, Pings) end) || Id <- lists:seq(0, ?ACTORS - 1)],
    Actors = list_to_tuple(Pids),
    [Pid ! {actors, Actors} || Pid <- Pids],
    Start = erlang:monotonic_time(),
    [element(Id + 1, Actors) ! {pong, Id} || Id <- lists:seq(0, ?ACTORS - 1)],
    collect(?ACTORS),
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("big ~.3f messages/s~n", [2 * ?ACTORS * Pings / Seconds]),
    halt().

collect(0) ->
    ok;
collect(N) ->
    receive done -> collect(N - 1) end.

actor(Sink, Id, Pings) ->
    receive {actors, Actors} -> loop(Sink, Id, Actors, Pings, Id, Id) end.

loop(Sink, Id, Actors, Left, Random, Expected) ->
    receive
        {ping, From} ->
            element(From + 1, Actors) ! {pong, Id},
            loop(Sink, Id, Actors, Left, Random, Expected);
        {pong, From} ->
            From = Expected,
            send_ping(Sink, Id, Actors, Left, Random)
    end.

send_ping(Sink, Id, Actors, 0, Random) ->
    Sink ! done,
    loop(Sink, Id, Actors, 0, Random, none);
send_ping(Sink, Id, Actors, Left, Random0) ->
    Random = (Random0 * 1309 + 13849) band 65535,
    To = Random rem ?ACTORS,
    element(To + 1, Actors) ! {ping, Id},
    loop(Sink, Id, Actors, Left - 1, Random, To).
