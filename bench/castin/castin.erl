%% SPDX-License-Identifier: MIT
%% Casts of eight clients to one server, so many of each.
-module(castin).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).

-define(CLIENTS, 8).

main([Size]) ->
    N = list_to_integer(Size),
    {ok, Server} = gen_server:start(?MODULE, [], []),
    Start = erlang:monotonic_time(),
    [spawn(fun() -> client(Server, N) end) || _ <- lists:seq(1, ?CLIENTS)],
    await(Server, ?CLIENTS * N),
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("castin ~.3f casts/s~n", [?CLIENTS * N / Seconds]),
    halt().

client(_Server, 0) ->
    ok;
client(Server, N) ->
    gen_server:cast(Server, {add, N}),
    client(Server, N - 1).

await(Server, All) ->
    timer:sleep(1),
    case gen_server:call(Server, sum, infinity) of
        All -> ok;
        _ -> await(Server, All)
    end.

init([]) ->
    {ok, 0}.

handle_call(sum, _From, Received) ->
    {reply, Received, Received}.

handle_cast({add, _}, Received) ->
    {noreply, Received + 1}.
