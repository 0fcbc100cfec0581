%% SPDX-License-Identifier: MIT
%% Calls of a server, with the default timeout: one client, or as many as the second argument says.
-module(gencall).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

main([Size]) ->
    main([Size, "1"]);
main([Size, Clients]) ->
    N = list_to_integer(Size),
    C = list_to_integer(Clients),
    {ok, Server} = gen_server:start(?MODULE, [], []),
    Parent = self(),
    Start = erlang:monotonic_time(),
    [spawn(fun() -> client(Parent, Server, N div C) end) || _ <- lists:seq(1, C)],
    [receive done -> ok end || _ <- lists:seq(1, C)],
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("gencall ~.3f calls/s~n", [N / Seconds]),
    halt().

client(Parent, _Server, 0) ->
    Parent ! done;
client(Parent, Server, N) ->
    N = gen_server:call(Server, {echo, N}),
    client(Parent, Server, N - 1).

init([]) ->
    {ok, nothing}.

handle_call({echo, N}, _From, State) ->
    {reply, N, State}.

handle_cast(_, State) ->
    {noreply, State}.
