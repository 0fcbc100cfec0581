%% SPDX-License-Identifier: MIT
%% Chameneos: 100 creatures meet in pairs in a mall, Size times in all, and change their colours
%% after each meeting. The check is the sum of their meetings.
-module(chameneos).
-export([main/1]).

-define(CREATURES, 100).
-define(COLOURS, 3).

main(Args) -> savina:main(chameneos, Args, fun iterate/1).

iterate(Size) ->
    Mall = self(),
    [spawn(fun() -> creature(Mall, I rem ?COLOURS, 0) end) || I <- lists:seq(0, ?CREATURES - 1)],
    mall(Size, none),
    [receive {meet, _, From} -> From ! stop end || _ <- lists:seq(1, ?CREATURES)],
    savina:await(?CREATURES).

%% Brings the creatures together in the order in which they come.
mall(0, none) ->
    ok;
mall(Meetings, none) ->
    receive {meet, _, From} -> mall(Meetings, From) end;
mall(Meetings, Waiting) ->
    receive
        {meet, _, _} = Meet ->
            Waiting ! Meet,
            mall(Meetings - 1, none)
    end.

creature(Mall, Colour, Meetings) ->
    Mall ! {meet, Colour, self()},
    receive
        {meet, Theirs, Other} ->
            Mine = complement(Colour, Theirs),
            Other ! {change, Mine},
            creature(Mall, Mine, Meetings + 1);
        {change, Mine} ->
            creature(Mall, Mine, Meetings + 1);
        stop ->
            Mall ! {done, Meetings}
    end.

%% The same colour when both have it, else the third.
complement(Colour, Colour) -> Colour;
complement(Mine, Other) -> ?COLOURS - Mine - Other.
