%% SPDX-License-Identifier: MIT
%% N queens: all solutions on a board of Size columns. A master hands boards to 20 workers in turn;
%% a worker sends back those with one queen more, and from 4 queens on goes on alone. The check is
%% the number of solutions.
-module(nqueenk).
-export([main/1]).

-define(WORKERS, 20).
-define(THRESHOLD, 4).

main(Args) -> savina:main(nqueenk, Args, fun iterate/1).

iterate(Size) ->
    Master = self(),
    Workers = [spawn(fun() -> worker(Master, Size) end) || _ <- lists:seq(1, ?WORKERS)],
    Master ! {board, [], 0},
    Solutions = manage(list_to_tuple(Workers), 0, 0, 0),
    [Worker ! stop || Worker <- Workers],
    Solutions.

manage(_Workers, Sent, Sent, Solutions) when Sent > 0 ->
    Solutions;
manage(Workers, Sent, Finished, Solutions) ->
    receive
        {board, _, _} = Board ->
            element(Sent rem ?WORKERS + 1, Workers) ! Board,
            manage(Workers, Sent + 1, Finished, Solutions);
        solution ->
            manage(Workers, Sent, Finished, Solutions + 1);
        finished ->
            manage(Workers, Sent, Finished + 1, Solutions)
    end.

worker(Master, Size) ->
    receive
        {board, Queens, N} ->
            search(Master, Queens, N, Size),
            Master ! finished,
            worker(Master, Size);
        stop ->
            ok
    end.

%% Places queen N in each column, and all that follow; the newest queen stands first.
search(Master, _Queens, Size, Size) ->
    Master ! solution;
search(Master, Queens, N, Size) ->
    place(Master, Queens, N, Size, 0).

place(_Master, _Queens, _N, Size, Size) ->
    ok;
place(Master, Queens, N, Size, Column) ->
    Board = [Column | Queens],
    case fits(Board) of
        true when N < ?THRESHOLD -> Master ! {board, Board, N + 1};
        true -> search(Master, Board, N + 1, Size);
        false -> ok
    end,
    place(Master, Queens, N, Size, Column + 1).

fits([]) -> true;
fits([Queen | Others]) -> free(Queen, 1, Others) andalso fits(Others).

free(_Queen, _Distance, []) -> true;
free(Queen, _Distance, [Queen | _]) -> false;
free(Queen, Distance, [Other | _]) when abs(Queen - Other) =:= Distance -> false;
free(Queen, Distance, [_ | Others]) -> free(Queen, Distance + 1, Others).
