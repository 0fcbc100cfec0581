%% SPDX-License-Identifier: MIT
%% Thread ring: a token goes Size steps round a ring of 100 actors; then they end in turn.
-module(threadring).
-export([main/1]).

-define(ACTORS, 100).

main(Args) -> savina:main(threadring, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    Actors = [spawn(fun() -> actor(Self, Id) end) || Id <- lists:seq(0, ?ACTORS - 1)],
    [First | Rest] = Actors,
    [Pid ! {next, Next} || {Pid, Next} <- lists:zip(Actors, Rest ++ [First])],
    First ! {ping, Size},
    savina:await(1).

actor(Parent, Id) ->
    receive {next, Next} -> actor(Parent, Id, Next) end.

actor(Parent, Id, Next) ->
    receive
        {ping, 0} ->
            Next ! {stop, ?ACTORS},
            actor(Parent, Id, Next);
        {ping, Left} ->
            Next ! {ping, Left - 1},
            actor(Parent, Id, Next);
        {stop, 1} ->
            Parent ! {done, Id};
        {stop, Left} ->
            Next ! {stop, Left - 1}
    end.
