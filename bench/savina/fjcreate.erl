%% SPDX-License-Identifier: MIT
%% Fork-join actor creation: Size actors, each of which gets one message, works a little, ends.
-module(fjcreate).
-export([main/1]).

main(Args) -> savina:main(fjcreate, Args, fun iterate/1).

iterate(Size) ->
    create(self(), Size),
    savina:await(Size).

create(_Self, 0) ->
    ok;
create(Self, N) ->
    spawn(fun() -> actor(Self, 37.2) end) ! message,
    create(Self, N - 1).

actor(Parent, Theta) ->
    receive
        message ->
            Sine = math:sin(Theta),
            true = Sine * Sine > 0,
            Parent ! {done, 1}
    end.
