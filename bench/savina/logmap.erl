%% SPDX-License-Identifier: MIT
%% Logistic map: 10 series of Size terms; a worker asks the computer of its rate for each next term
%% and waits for it, while the master's requests queue up. The check is the sum of the last terms in
%% billionths.
-module(logmap).
-export([main/1]).

-define(SERIES, 10).
-define(START_RATE, 3.46).
-define(INCREMENT, 0.0025).

main(Args) -> savina:main(logmap, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    Series = lists:seq(0, ?SERIES - 1),
    Computers = [spawn(fun() -> computer(?START_RATE + I * ?INCREMENT) end) || I <- Series],
    Workers = [spawn(fun() -> worker(Self, Computer, I * ?INCREMENT) end)
               || {I, Computer} <- lists:zip(Series, Computers)],
    request(Workers, Size),
    [Worker ! get || Worker <- Workers],
    Sum = savina:await(?SERIES),
    [Computer ! stop || Computer <- Computers],
    Sum.

request(_Workers, 0) ->
    ok;
request(Workers, Left) ->
    [Worker ! next || Worker <- Workers],
    request(Workers, Left - 1).

computer(Rate) ->
    receive
        {compute, From, Ref, Term} ->
            From ! {result, Ref, Rate * Term * (1 - Term)},
            computer(Rate);
        stop ->
            ok
    end.

worker(Master, Computer, Term) ->
    receive
        next -> worker(Master, Computer, compute(Computer, Term));
        get -> Master ! {done, round(Term * 1.0e9)}
    end.

compute(Computer, Term) ->
    Ref = make_ref(),
    Computer ! {compute, self(), Ref, Term},
    receive {result, Ref, Next} -> Next end.
