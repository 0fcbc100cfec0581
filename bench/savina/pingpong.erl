%% SPDX-License-Identifier: MIT
%% Ping pong: two actors, one message at a time between them; the size is the number of pings.
-module(pingpong).
-export([main/1]).

main(Args) -> savina:main(pingpong, Args, fun iterate/1).

iterate(Size) ->
    Partner = spawn(fun() -> ponger(0) end),
    ping(Partner, Size),
    Partner ! {stop, self()},
    savina:await(1).

ping(_Partner, 0) ->
    ok;
ping(Partner, N) ->
    Partner ! {ping, self()},
    receive pong -> ping(Partner, N - 1) end.

ponger(Pings) ->
    receive
        {ping, From} ->
            From ! pong,
            ponger(Pings + 1);
        {stop, From} ->
            From ! {done, Pings}
    end.
