%% SPDX-License-Identifier: MIT
%% Producer-consumer with a bounded buffer: 40 producers make Size items each for 40 consumers; a
%% manager keeps up to 50 and lets producers wait. The check is the sum of the items consumed.
-module(bndbuffer).
-export([main/1]).

-define(PRODUCERS, 40).
-define(CONSUMERS, 40).
-define(BUFFER, 50).
-define(COST, 25).

-record(manager, {producers = queue:new(), consumers, items = queue:new(), running = ?PRODUCERS}).

main(Args) -> savina:main(bndbuffer, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    Consumers = [spawn(fun() -> consumer(Self, 0.0, 0) end) || _ <- lists:seq(1, ?CONSUMERS)],
    [spawn(fun() -> producer(Self, 0.0, Size) end) ! produce || _ <- lists:seq(1, ?PRODUCERS)],
    manage(#manager{consumers = queue:from_list(Consumers)}),
    [Consumer ! stop || Consumer <- Consumers],
    savina:await(?CONSUMERS).

producer(Manager, _Item, 0) ->
    receive produce -> Manager ! exit end;
producer(Manager, Last, Left) ->
    receive
        produce ->
            Item = process(Last),
            Manager ! {item, Item, self()},
            producer(Manager, Item, Left - 1)
    end.

consumer(Manager, State, Sum) ->
    receive
        {item, Item, _} ->
            Next = process(State + Item),
            Manager ! {available, self()},
            consumer(Manager, Next, Sum + round(Item));
        stop ->
            Manager ! {done, Sum}
    end.

process(Item) -> process(Item, ?COST, ?COST * 100).

process(Item, _Random, 0) ->
    Item;
process(Item, Random, Left) ->
    Next = savina:random(Random),
    process(Item + math:log(savina:real(Next) + 0.01), Next, Left - 1).

manage(#manager{running = 0, consumers = Consumers} = B) ->
    case queue:len(Consumers) of
        ?CONSUMERS -> ok;
        _ -> step(B)
    end;
manage(B) ->
    step(B).

step(B) ->
    receive
        {item, Item, From} -> manage(take_item(B, Item, From));
        {available, From} -> manage(serve_consumer(B, From));
        exit -> manage(B#manager{running = B#manager.running - 1})
    end.

take_item(#manager{consumers = Consumers} = B, Item, From) ->
    case queue:out(Consumers) of
        {empty, _} ->
            next_item(B#manager{items = queue:in(Item, B#manager.items)}, From);
        {{value, Consumer}, Rest} ->
            Consumer ! {item, Item, From},
            next_item(B#manager{consumers = Rest}, From)
    end.

next_item(#manager{items = Items, producers = Producers} = B, From) ->
    case queue:len(Items) >= ?BUFFER - ?PRODUCERS of
        true ->
            B#manager{producers = queue:in(From, Producers)};
        false ->
            From ! produce,
            B
    end.

serve_consumer(#manager{items = Items, consumers = Consumers} = B, Consumer) ->
    case queue:out(Items) of
        {empty, _} ->
            B#manager{consumers = queue:in(Consumer, Consumers)};
        {{value, Item}, Rest} ->
            Consumer ! {item, Item, Consumer},
            wake_producer(B#manager{items = Rest})
    end.

wake_producer(#manager{producers = Producers} = B) ->
    case queue:out(Producers) of
        {empty, _} ->
            B;
        {{value, Producer}, Rest} ->
            Producer ! produce,
            B#manager{producers = Rest}
    end.
