%% SPDX-License-Identifier: MIT
%% Bank transaction: a teller asks for Size transfers between 1,000 accounts; the account that pays
%% sends the amount to the other and waits until it has it. The check is the sum received, in
%% thousandths.
-module(banking).
-export([main/1]).

-define(ACCOUNTS, 1000).

main(Args) -> savina:main(banking, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    Pids = [spawn(fun() -> account(Self, 1.0e9, 0) end) || _ <- lists:seq(1, ?ACCOUNTS)],
    request(list_to_tuple(Pids), 123456, Size),
    replies(Size),
    [Pid ! stop || Pid <- Pids],
    savina:await(?ACCOUNTS).

%% The account that pays comes before the other, so that no two wait for each other.
request(_Accounts, _Random, 0) ->
    ok;
request(Accounts, Last, Left) ->
    One = savina:random(Last),
    Two = savina:random(One),
    Three = savina:random(Two),
    From = One rem (?ACCOUNTS div 10 * 8),
    To = From + max(1, Two rem (?ACCOUNTS - From)),
    element(From + 1, Accounts) ! {credit, element(To + 1, Accounts), savina:real(Three) * 1000},
    request(Accounts, Three, Left - 1).

replies(0) -> ok;
replies(N) -> receive reply -> replies(N - 1) end.

account(Teller, Balance, Received) ->
    receive
        {debit, Other, Ref, Amount} ->
            Other ! {paid, Ref},
            account(Teller, Balance + Amount, Received + round(Amount * 1000));
        {credit, Other, Amount} ->
            transfer(Other, Amount),
            Teller ! reply,
            account(Teller, Balance - Amount, Received);
        stop ->
            Teller ! {done, Received}
    end.

transfer(To, Amount) ->
    Ref = make_ref(),
    To ! {debit, self(), Ref, Amount},
    receive {paid, Ref} -> ok end.
