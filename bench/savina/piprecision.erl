%% SPDX-License-Identifier: MIT
%% Precise pi: 20 workers compute the terms of Bailey, Borwein and Plouffe's series to Size decimal
%% digits, in binary fixed point, until one is zero; the master adds them. The check is the sum's
%% remainder by a prime.
-module(piprecision).
-export([main/1]).

-define(WORKERS, 20).
-define(AHEAD, 10).

main(Args) -> savina:main(piprecision, Args, fun iterate/1).

iterate(Size) ->
    Master = self(),
    Bits = 32 * (Size * 332193 div 3200000 + 2),
    Workers = [spawn(fun() -> worker(Master, Bits) end) || _ <- lists:seq(1, ?WORKERS)],
    Terms = lists:seq(0, ?AHEAD * ?WORKERS - 1),
    [lists:nth(K rem ?WORKERS + 1, Workers) ! {term, K} || K <- Terms],
    Sum = gather(length(Terms), 0, 0, false),
    [Worker ! stop || Worker <- Workers],
    Sum rem 1000000007.

gather(Sent, Sent, Sum, _Ended) ->
    Sum;
gather(Sent, Received, Sum, Ended) ->
    receive
        {result, From, Term} when not Ended, Term > 0 ->
            From ! {term, Sent},
            gather(Sent + 1, Received + 1, Sum + Term, false);
        {result, _, Term} ->
            gather(Sent, Received + 1, Sum + Term, true)
    end.

worker(Master, Bits) ->
    receive
        {term, K} ->
            Master ! {result, self(), term(1 bsl Bits, 8 * K, 4 * K)},
            worker(Master, Bits);
        stop ->
            ok
    end.

term(One, N, Shift) ->
    (4 * One div (N + 1) - 2 * One div (N + 4) - One div (N + 5) - One div (N + 6)) bsr Shift.
