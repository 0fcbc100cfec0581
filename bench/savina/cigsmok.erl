%% SPDX-License-Identifier: MIT
%% Cigarette smokers: an arbiter lets one of 200 smokers, chosen at random, smoke for a random
%% while, Size times; the next begins when the last has said that it has. The check is the time
%% smoked.
-module(cigsmok).
-export([main/1]).

-define(SMOKERS, 200).
-define(MEAN_WORK, 1000).
-define(LEAST_WORK, 10).

main(Args) -> savina:main(cigsmok, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    Smokers = list_to_tuple([spawn(fun() -> smoker(Self, 0) end) || _ <- lists:seq(1, ?SMOKERS)]),
    rounds(Smokers, Size * ?SMOKERS, Size),
    [Smoker ! stop || Smoker <- tuple_to_list(Smokers)],
    savina:await(?SMOKERS).

rounds(_Smokers, _Random, 0) ->
    ok;
rounds(Smokers, Last, Left) ->
    Chosen = savina:random(Last),
    Random = savina:random(Chosen),
    element(Chosen rem ?SMOKERS + 1, Smokers) ! {smoke, Random rem ?MEAN_WORK + ?LEAST_WORK},
    receive started -> rounds(Smokers, Random, Left - 1) end.

smoker(Arbiter, Smoked) ->
    receive
        {smoke, Steps} ->
            Arbiter ! started,
            savina:busy(Steps),
            smoker(Arbiter, Smoked + Steps);
        stop ->
            Arbiter ! {done, Smoked}
    end.
