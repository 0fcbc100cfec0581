%% SPDX-License-Identifier: MIT
%% Recursive matrix multiplication: a master hands products of blocks to 20 workers; those of more
%% than 16,384 elements come back as eight smaller ones. All products for a block of the result go
%% to the same worker. The check is the sum of the result.
-module(recmatmul).
-export([main/1]).

-define(WORKERS, 20).
-define(LARGEST, 16384).

main(Args) -> savina:main(recmatmul, Args, fun prepare/1, fun iterate/1).

%% The rows of one matrix and the columns of the other.
prepare(Size) ->
    Constant = list_to_tuple([erlang:make_tuple(Size, float(I)) || I <- lists:seq(0, Size - 1)]),
    persistent_term:put(?MODULE, {Constant, Constant}).

iterate(Size) ->
    Master = self(),
    Pids = [spawn(fun() -> worker(Master, #{}) end) || _ <- lists:seq(1, ?WORKERS)],
    Master ! {multiply, 0, 0, 0, Size},
    manage(list_to_tuple(Pids), 0, 0),
    [Pid ! stop || Pid <- Pids],
    savina:await(?WORKERS).

manage(_Workers, Sent, Sent) when Sent > 0 ->
    ok;
manage(Workers, Sent, Finished) ->
    receive
        {multiply, Row, Column, _Inner, _N} = Work ->
            element((Row + Column) rem ?WORKERS + 1, Workers) ! Work,
            manage(Workers, Sent + 1, Finished);
        finished ->
            manage(Workers, Sent, Finished + 1)
    end.

%% Blocks: the blocks of the result that this worker has, as lists of rows.
worker(Master, Blocks) ->
    receive
        {multiply, Row, Column, Inner, N} when N * N > ?LARGEST ->
            Half = N div 2,
            [Master ! {multiply, Row + I * Half, Column + J * Half, Inner + K * Half, Half}
             || I <- [0, 1], J <- [0, 1], K <- [0, 1]],
            Master ! finished,
            worker(Master, Blocks);
        {multiply, Row, Column, Inner, N} ->
            Product = multiply(Row, Column, Inner, N),
            Sum = case Blocks of
                #{{Row, Column} := Block} -> add(Block, Product);
                #{} -> Product
            end,
            Master ! finished,
            worker(Master, Blocks#{{Row, Column} => Sum});
        stop ->
            Sums = [lists:sum(Row) || Block <- maps:values(Blocks), Row <- Block],
            Master ! {done, round(lists:sum(Sums))}
    end.

multiply(Row, Column, Inner, N) ->
    {A, B} = persistent_term:get(?MODULE),
    [[dot(element(I, A), element(J, B), Inner + 1, Inner + N, 0.0)
      || J <- lists:seq(Column + 1, Column + N)]
     || I <- lists:seq(Row + 1, Row + N)].

dot(Row, Column, K, Last, Sum) when K =< Last ->
    dot(Row, Column, K + 1, Last, Sum + element(K, Row) * element(K, Column));
dot(_Row, _Column, _K, _Last, Sum) ->
    Sum.

add(As, Bs) ->
    [[X + Y || {X, Y} <- lists:zip(Xs, Ys)] || {Xs, Ys} <- lists:zip(As, Bs)].
