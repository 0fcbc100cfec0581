%% SPDX-License-Identifier: MIT
%% Unbalanced cobwebbed tree: actors ask the root whether they may have ten children, which chance
%% decides, until the tree has Size nodes. Then it is traversed, with some work in each node, and
%% ends from the root on. The check is the number of nodes.
-module(uct).
-export([main/1]).

-define(CHILDREN, 10).
-define(MEAN_WORK, 500).
-define(DEVIATION, 100).
-define(ASKING_WORK, 100).

main(Args) -> savina:main(uct, Args, fun iterate/1).

iterate(Size) ->
    {Work, Random} = random_work(2),
    Children = grow(self(), Work),
    Nodes = manage(Random, 1 + ?CHILDREN, Size),
    tell(Children, traverse),
    tell(Children, stop),
    Ended = 1 + await(Nodes - 1, 0),
    flush(),
    Ended.

manage(Last, Nodes, Size) when Nodes + ?CHILDREN =< Size ->
    receive
        {ask, From} ->
            case savina:random(Last) of
                Random when Random >= 65536 div 2 ->
                    {Work, Next} = random_work(Random),
                    From ! {grow, Work},
                    manage(Next, Nodes + ?CHILDREN, Size);
                Random ->
                    manage(Random, Nodes, Size)
            end
    end;
manage(_Last, Nodes, _Size) ->
    Nodes.

%% Takes the questions that nobody answers any more, too.
await(0, Sum) -> Sum;
await(N, Sum) ->
    receive
        {done, Value} -> await(N - 1, Sum + Value);
        {ask, _} -> await(N, Sum)
    end.

flush() -> receive {ask, _} -> flush() after 0 -> ok end.

%% Starts the children and lets them ask for their own.
grow(Root, Work) ->
    Children = [spawn(fun() -> node(Root, Work, []) end) || _ <- lists:seq(1, ?CHILDREN)],
    tell(Children, 'try'),
    Children.

tell(Children, What) -> [Child ! What || Child <- Children].

node(Root, Work, Children) ->
    receive
        'try' ->
            savina:busy(?ASKING_WORK),
            Root ! {ask, self()},
            node(Root, Work, Children);
        {grow, ChildrensWork} ->
            node(Root, Work, grow(Root, ChildrensWork));
        traverse ->
            savina:busy(Work),
            tell(Children, traverse),
            node(Root, Work, Children);
        stop ->
            tell(Children, stop),
            Root ! {done, 1}
    end.

%% About normally distributed: the sum of twelve random numbers.
random_work(Random) -> random_work(12, Random, 0).

random_work(0, Random, Sum) ->
    {?MEAN_WORK + (Sum - 6 * 65536) * ?DEVIATION div 65536, Random};
random_work(N, Last, Sum) ->
    Random = savina:random(Last),
    random_work(N - 1, Random, Sum + Random).
