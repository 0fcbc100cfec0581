%% SPDX-License-Identifier: MIT
%% Crashes of a supervised server: it is killed, its supervisor starts it again, and so on.
-module(restart).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2, start_child/0]).

main([Size]) ->
    N = list_to_integer(Size),
    logger:set_primary_config(level, none),
    register(boss, self()),
    {ok, _} = supervisor:start_link(?MODULE, keeper),
    Start = erlang:monotonic_time(),
    crash(N),
    receive {up, _} -> ok end,
    Seconds = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native),
    io:format("restart ~.3f restarts/s~n", [N / Seconds]),
    halt().

crash(0) ->
    ok;
crash(N) ->
    receive {up, Pid} -> exit(Pid, kill) end,
    crash(N - 1).

start_child() ->
    gen_server:start_link(?MODULE, child, []).

init(keeper) ->
    {ok, {#{strategy => one_for_one, intensity => 100000000, period => 1},
          [#{id => child, start => {?MODULE, start_child, []}}]}};
init(child) ->
    boss ! {up, self()},
    {ok, nothing}.

handle_call(_, _From, State) ->
    {reply, ok, State}.

handle_cast(_, State) ->
    {noreply, State}.
