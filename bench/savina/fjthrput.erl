%% SPDX-License-Identifier: MIT
%% Fork-join throughput: Size messages to each of 60 actors, in turn; a little work for each.
-module(fjthrput).
-export([main/1]).

-define(ACTORS, 60).

main(Args) -> savina:main(fjthrput, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    Actors = [spawn(fun() -> actor(Self, Size, 0, 37.2) end) || _ <- lists:seq(1, ?ACTORS)],
    send(Actors, Size),
    savina:await(?ACTORS).

send(_Actors, 0) ->
    ok;
send(Actors, N) ->
    [Actor ! message || Actor <- Actors],
    send(Actors, N - 1).

actor(Parent, Size, Size, _Theta) ->
    Parent ! {done, Size};
actor(Parent, Size, Taken, Theta) ->
    receive
        message ->
            Sine = math:sin(Theta),
            true = Sine * Sine > 0,
            actor(Parent, Size, Taken + 1, Theta)
    end.
