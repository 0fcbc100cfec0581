%% SPDX-License-Identifier: MIT
%% All-pairs shortest path: Floyd and Warshall's algorithm on a graph of Size nodes, an actor for
%% each block of 50 by 50 distances. For each node each actor sends its whole block, a binary, to
%% all in its row and column, and waits for theirs. The check is the sum of the distances.
-module(apsp).
-export([main/1]).

-define(BLOCK, 50).
-define(ROW, (?BLOCK * 8)).
-define(LONGEST, 100).

-record(block, {id, row, column, side, neighbours}).

main(Args) -> savina:main(apsp, Args, fun prepare/1, fun iterate/1).

prepare(Size) ->
    Edges = edges(0, 1, Size, Size, []),
    persistent_term:put(?MODULE, maps:from_list(Edges)).

edges(I, _J, Size, _Random, Edges) when I =:= Size -> Edges;
edges(I, J, Size, Random, Edges) when J =:= Size -> edges(I + 1, I + 2, Size, Random, Edges);
edges(I, J, Size, Last, Edges) when J > Size -> edges(I + 1, I + 2, Size, Last, Edges);
edges(I, J, Size, Last, Edges) ->
    Random = savina:random(Last),
    edges(I, J + 1, Size, Random, [{{I, J}, Random rem ?LONGEST + 1} | Edges]).

distance(_Graph, I, I) -> 0;
distance(Graph, I, J) -> maps:get({min(I, J), max(I, J)}, Graph).

iterate(Size) ->
    Parent = self(),
    Side = Size div ?BLOCK,
    Ids = lists:seq(0, Side * Side - 1),
    Actors = list_to_tuple([spawn(fun() -> actor(Parent, Id, Side) end) || Id <- Ids]),
    [Actor ! {start, Actors} || Actor <- tuple_to_list(Actors)],
    savina:await(Side * Side).

actor(Parent, Id, Side) ->
    Row = Id div Side,
    Column = Id rem Side,
    receive
        {start, Actors} ->
            Ids = [I * Side + Column || I <- lists:seq(0, Side - 1), I =/= Row]
                ++ [Row * Side + I || I <- lists:seq(0, Side - 1), I =/= Column],
            B = #block{id = Id, row = Row, column = Column, side = Side,
                       neighbours = [element(N + 1, Actors) || N <- Ids]},
            Data = steps(B, first(Row * ?BLOCK, Column * ?BLOCK), 0, Side * ?BLOCK),
            Parent ! {done, lists:sum([Distance || <<Distance:64/native>> <= Data])}
    end.

first(Row, Column) ->
    Graph = persistent_term:get(?MODULE),
    << <<(distance(Graph, I, J)):64/native>>
       || I <- lists:seq(Row, Row + ?BLOCK - 1), J <- lists:seq(Column, Column + ?BLOCK - 1) >>.

steps(_B, Data, Nodes, Nodes) ->
    Data;
steps(#block{neighbours = Neighbours} = B, Data, K, Nodes) ->
    [Neighbour ! {block, K, B#block.id, Data} || Neighbour <- Neighbours],
    {Row, Column} = gather(Neighbours, K, B, take(B, B#block.id, Data, K, {none, none})),
    steps(B, relax(Data, Row, Column), K + 1, Nodes).

gather([], _K, _B, Taken) ->
    Taken;
gather([_ | Rest], K, B, Taken) ->
    receive {block, K, From, Data} -> gather(Rest, K, B, take(B, From, Data, K, Taken)) end.

%% Takes what is needed of the block of that actor: the row of node K, the column of it, nothing.
take(#block{row = Row, column = Column, side = Side}, From, Data, K, {OldRow, OldColumn}) ->
    Of = K div ?BLOCK,
    Offset = K rem ?BLOCK,
    NewRow = case Of * Side + Column of
        From -> binary:part(Data, Offset * ?ROW, ?ROW);
        _ -> OldRow
    end,
    NewColumn = case Row * Side + Of of
        From -> column(Data, Offset * 8);
        _ -> OldColumn
    end,
    {NewRow, NewColumn}.

column(<<>>, _Offset) ->
    [];
column(<<Row:(?ROW)/binary, Rest/binary>>, Offset) ->
    <<_:Offset/binary, Distance:64/native, _/binary>> = Row,
    [Distance | column(Rest, Offset)].

relax(Data, Row, Column) -> relax(Data, Row, Column, <<>>).

relax(<<>>, _Row, [], New) ->
    New;
relax(<<Old:(?ROW)/binary, Rest/binary>>, Row, [To | Column], New) ->
    relax(Rest, Row, Column, relax_row(Old, Row, To, New)).

relax_row(<<Old:64/native, Olds/binary>>, <<From:64/native, Froms/binary>>, To, New) ->
    relax_row(Olds, Froms, To, <<New/binary, (min(Old, To + From)):64/native>>);
relax_row(<<>>, <<>>, _To, New) ->
    New.
