%% SPDX-License-Identifier: MIT
%% Calls of a server while 100,000 other messages wait in the caller's mailbox.
-module(gencall_100k).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

main([Size]) ->
    N = list_to_integer(Size),
    {ok, Server} = gen_server:start(?MODULE, [], []),
    [self() ! I || I <- lists:seq(1, 100000)],
    Start = erlang:monotonic_time(),
    call(Server, N),
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("gencall_100k ~.3f us~n", [Seconds * 1.0e6 / N]),
    halt().

call(_Server, 0) ->
    ok;
call(Server, N) ->
    N = gen_server:call(Server, {echo, N}),
    call(Server, N - 1).

init([]) ->
    {ok, nothing}.

handle_call({echo, N}, _From, State) ->
    {reply, N, State}.

handle_cast(_, State) ->
    {noreply, State}.
