%% SPDX-License-Identifier: MIT
%% Sieve of Eratosthenes: the odd numbers below Size go through a chain of actors that keep 1,000
%% primes each; who has no room left starts the next. The check is the number of primes.
-module(sieve).
-export([main/1]).

-define(KEPT, 1000).

main(Args) -> savina:main(sieve, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    First = spawn(fun() -> filter(Self, 0, [2], 1, none) end),
    produce(First, 3, Size),
    First ! stop,
    savina:await(1).

produce(First, Number, Size) when Number < Size ->
    First ! {number, Number},
    produce(First, Number + 2, Size);
produce(_First, _Number, _Size) ->
    ok.

filter(Parent, Before, Primes, N, Next) ->
    receive
        {number, Number} ->
            case divided(Number, Primes) of
                true -> filter(Parent, Before, Primes, N, Next);
                false -> keep(Number, Parent, Before, Primes, N, Next)
            end;
        stop when Next =:= none ->
            Parent ! {done, Before + N};
        stop ->
            Next ! stop
    end.

keep(Number, Parent, Before, Primes, N, none) when N < ?KEPT ->
    filter(Parent, Before, Primes ++ [Number], N + 1, none);
keep(Number, Parent, Before, Primes, N, none) ->
    Next = spawn(fun() -> filter(Parent, Before + ?KEPT, [Number], 1, none) end),
    filter(Parent, Before, Primes, N, Next);
keep(Number, Parent, Before, Primes, N, Next) ->
    Next ! {number, Number},
    filter(Parent, Before, Primes, N, Next).

divided(_Number, []) -> false;
divided(Number, [Prime | _]) when Number rem Prime =:= 0 -> true;
divided(Number, [_ | Primes]) -> divided(Number, Primes).
