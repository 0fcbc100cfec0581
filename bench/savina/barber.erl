%% SPDX-License-Identifier: MIT
%% Sleeping barber: Size customers enter a waiting room of 1,000 seats; whom it is full for tries
%% again. Barber and arrivals work a random while for each. The check is the number of haircuts.
-module(barber).
-export([main/1]).

-define(SEATS, 1000).
-define(MEAN_WORK, 1000).
-define(LEAST_WORK, 10).

main(Args) -> savina:main(barber, Args, fun iterate/1).

iterate(Size) ->
    Barber = spawn(fun() -> barber(74755) end),
    Room = spawn(fun() -> room(Barber, queue:new(), 0, asleep) end),
    customers(Room, self(), 74755, Size),
    serve(Room, Size),
    Room ! stop,
    Size.

customers(_Room, _Self, _Random, 0) ->
    ok;
customers(Room, Self, Last, Left) ->
    Room ! {enter, spawn(fun() -> customer(Self) end)},
    Random = savina:random(Last),
    savina:busy(Random rem ?MEAN_WORK + ?LEAST_WORK),
    customers(Room, Self, Random, Left - 1).

serve(_Room, 0) ->
    ok;
serve(Room, Left) ->
    receive
        {returned, Customer} ->
            Room ! {enter, Customer},
            serve(Room, Left);
        {done, 1} ->
            serve(Room, Left - 1)
    end.

customer(Factory) ->
    receive
        full ->
            Factory ! {returned, self()},
            customer(Factory);
        wait -> customer(Factory);
        start -> customer(Factory);
        finished -> Factory ! {done, 1}
    end.

barber(Last) ->
    receive
        {enter, Customer, Room} ->
            Random = savina:random(Last),
            Customer ! start,
            savina:busy(Random rem ?MEAN_WORK + ?LEAST_WORK),
            Customer ! finished,
            Room ! next,
            barber(Random);
        wait -> barber(Last);
        stop -> ok
    end.

room(Barber, Seats, Taken, State) ->
    receive
        {enter, Customer} when Taken =:= ?SEATS ->
            Customer ! full,
            room(Barber, Seats, Taken, State);
        {enter, Customer} when State =:= asleep ->
            self() ! next,
            room(Barber, queue:in(Customer, Seats), Taken + 1, awake);
        {enter, Customer} ->
            Customer ! wait,
            room(Barber, queue:in(Customer, Seats), Taken + 1, awake);
        next when Taken =:= 0 ->
            Barber ! wait,
            room(Barber, Seats, 0, asleep);
        next ->
            {{value, Customer}, Rest} = queue:out(Seats),
            Barber ! {enter, Customer, self()},
            room(Barber, Rest, Taken - 1, awake);
        stop ->
            Barber ! stop
    end.
