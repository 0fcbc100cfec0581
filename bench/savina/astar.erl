%% SPDX-License-Identifier: MIT
%% A*-search: a grid of Size cubed nodes with random edges away from the origin. A master hands
%% nodes to 20 workers; a worker searches up to 1,024 nodes on from there, claims each by setting
%% its parent, and sends the rest back. The check is 1 when the way from the target leads to the
%% origin.
-module(astar).
-export([main/1]).

-define(WORKERS, 20).
-define(THRESHOLD, 1024).
-define(WORK, 100).

main(Args) -> savina:main(astar, Args, fun prepare/1, fun iterate/1).

prepare(Side) -> persistent_term:put(?MODULE, list_to_tuple(edges(0, Side, 123456))).

edges(Node, Side, _Random) when Node =:= Side * Side * Side ->
    [];
edges(Node, Side, Last) ->
    {Edges, Random} = edges_of(1, Node, Side, Last, []),
    [Edges | edges(Node + 1, Side, Random)].

%% To its neighbours that are one further in one or two of the three directions.
edges_of(7, _Node, _Side, Random, Edges) ->
    {lists:reverse(Edges), Random};
edges_of(6, Node, Side, Random, []) ->
    edges_of(7, Node, Side, Random, add_edge(6, Node, Side, []));
edges_of(Way, Node, Side, Last, Edges) ->
    case savina:random(Last) of
        Random when Random >= 65536 div 2 ->
            edges_of(Way + 1, Node, Side, Random, add_edge(Way, Node, Side, Edges));
        Random ->
            edges_of(Way + 1, Node, Side, Random, Edges)
    end.

add_edge(Way, Node, Side, Edges) ->
    X = min(Side - 1, Node div (Side * Side) + (Way bsr 2)),
    Y = min(Side - 1, Node div Side rem Side + ((Way bsr 1) band 1)),
    Z = min(Side - 1, Node rem Side + (Way band 1)),
    To = (X * Side + Y) * Side + Z,
    case To =:= Node orelse lists:member(To, Edges) of
        true -> Edges;
        false -> [To | Edges]
    end.

iterate(Side) ->
    Parent = self(),
    Axis = Side * 4 div 5,
    Target = (Axis * Side + Axis) * Side + Axis,
    %% Of each node its parent plus 1; 0: not found yet.
    Parents = atomics:new(Side * Side * Side, []),
    spawn(fun() -> master(Parent, Target, Parents) end),
    savina:await(1).

master(Parent, Target, Parents) ->
    Master = self(),
    Workers = [spawn(fun() -> worker(Master, Target, Parents) end) || _ <- lists:seq(1, ?WORKERS)],
    Master ! {work, 0},
    manage(list_to_tuple(Workers), 0, 0),
    [Worker ! stop || Worker <- Workers],
    savina:await(?WORKERS),
    Parent ! {done, way_back(Target, Parents)}.

manage(_Workers, Sent, Sent) when Sent > 0 ->
    ok;
manage(Workers, Sent, Taken) ->
    receive
        {work, _} = Work ->
            element(Sent rem ?WORKERS + 1, Workers) ! Work,
            manage(Workers, Sent + 1, Taken);
        taken ->
            manage(Workers, Sent, Taken + 1);
        found ->
            ok
    end.

way_back(Node, Parents) ->
    case atomics:get(Parents, Node + 1) of
        0 when Node =:= 0 -> 1;
        0 -> 0;
        Parent -> way_back(Parent - 1, Parents)
    end.

worker(Master, Target, Parents) ->
    receive
        {work, Node} ->
            search(Master, Target, Parents, queue:from_list([Node]), 0),
            Master ! taken,
            worker(Master, Target, Parents);
        stop ->
            Master ! {done, 0}
    end.

search(Master, _Target, _Parents, Queue, ?THRESHOLD) ->
    [Master ! {work, Node} || Node <- queue:to_list(Queue)];
search(Master, Target, Parents, Queue, N) ->
    case queue:out(Queue) of
        {empty, _} ->
            ok;
        {{value, Node}, Rest} ->
            savina:busy(?WORK),
            Edges = element(Node + 1, persistent_term:get(?MODULE)),
            case claim(Edges, Node, Target, Parents, Rest) of
                found -> Master ! found;
                Next -> search(Master, Target, Parents, Next, N + 1)
            end
    end.

claim([], _Node, _Target, _Parents, Queue) ->
    Queue;
claim([Next | Rest], Node, Target, Parents, Queue) ->
    case atomics:compare_exchange(Parents, Next + 1, 0, Node + 1) of
        ok when Next =:= Target -> found;
        ok -> claim(Rest, Node, Target, Parents, queue:in(Next, Queue));
        _ -> claim(Rest, Node, Target, Parents, Queue)
    end.
