%% SPDX-License-Identifier: MIT
%% Bitonic sort: a network of actors sorts Size numbers, a power of two. Splitters deal runs of
%% values to actors in turn, actors order pairs, joiners put the runs together in the same turn. The
%% check is a sum that depends on the order.
-module(bitonicsort).
-export([main/1]).

main(Args) -> savina:main(bitonicsort, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    Last = spawn(fun() -> forward(Self) end),
    Next = start_merges(Size, Size, Last),
    First = spawn(fun() -> forward(Next) end),
    produce(First, 2048, Size),
    check_sorted(0, 0, 0, Size).

produce(Next, _Random, 0) ->
    Next ! stop;
produce(Next, Last, Left) ->
    Random = savina:random(Last),
    Next ! {value, Random},
    produce(Next, Random, Left - 1).

check_sorted(_Last, Sum, Size, Size) ->
    receive stop -> Sum end;
check_sorted(Last, Sum, I, Size) ->
    receive
        {value, Value} when Value >= Last ->
            check_sorted(Value, Sum + Value * (I rem 10), I + 1, Size)
    end.

start_merges(1, _Size, Next) -> Next;
start_merges(Length, Size, Next) ->
    start_merges(Length div 2, Size, start_merge(Length div 2, Length, Size, Next)).

%% Merges sequences of Length: the last merge makes one of all numbers.
start_merge(0, _Length, _Size, Next) ->
    spawn(fun() -> forward(Next) end);
start_merge(I, Length, Size, Next) ->
    Same = case Length of Size -> 0; _ -> I end,
    Step = start_step(Length div I, Size div Length * I, Same, Next),
    start_merge(I div 2, Length, Size, Step).

%% A step of a merge: parts the numbers into sequences; Same of them in a row have one direction,
%% all of them when it is 0.
start_step(Length, Sequences, Same, Next) ->
    Forward = spawn(fun() -> forward(Next) end),
    Join = start_joiner(Length, Sequences, Forward),
    Workers = [start_worker(I, Length, Same =:= 0 orelse I div Same rem 2 =:= 0, Join)
               || I <- lists:seq(0, Sequences - 1)],
    start_splitter(Length, Workers).

start_worker(Order, 2, Up, Next) -> spawn(fun() -> exchanger(Order, Up, Next) end);
start_worker(Order, Length, Up, Next) -> start_partition(Order, Length, Up, Next).

%% Orders the halves of a sequence by pairs; its values go on under its number.
start_partition(Order, Length, Up, Next) ->
    Half = Length div 2,
    Tag = spawn(fun() -> tag(Order, Next) end),
    Join = start_joiner(1, Half, Tag),
    Workers = [spawn(fun() -> exchanger(I, Up, Join) end) || I <- lists:seq(0, Half - 1)],
    start_splitter(1, Workers).

start_splitter(Run, Workers) ->
    Splitter = spawn(fun() -> splitter(Run, list_to_tuple(Workers), 0, 0) end),
    spawn(fun() -> forward(Splitter) end).

start_joiner(Run, N, Next) ->
    spawn(fun() -> joiner(Run, N, Next, #{}, 0, 0, N) end).

forward(Next) ->
    receive
        {value, _} = Value ->
            Next ! Value,
            forward(Next);
        stop ->
            Next ! stop
    end.

tag(Order, Next) ->
    receive
        {value, Value} ->
            Next ! {data, Order, Value},
            tag(Order, Next);
        stop ->
            Next ! stop
    end.

splitter(Run, Receivers, To, At) ->
    receive
        {value, _} = Value ->
            element(To + 1, Receivers) ! Value,
            case At + 1 of
                Run -> splitter(Run, Receivers, (To + 1) rem tuple_size(Receivers), 0);
                Next -> splitter(Run, Receivers, To, Next)
            end;
        stop ->
            [Receiver ! stop || Receiver <- tuple_to_list(Receivers)]
    end.

%% Queues: of each input the values that are not sent yet.
joiner(_Run, _N, Next, _Queues, _At, _InRun, 0) ->
    Next ! stop;
joiner(Run, N, Next, Queues, At, InRun, Left) ->
    receive
        {data, Order, Value} ->
            Queue = queue:in(Value, maps:get(Order, Queues, queue:new())),
            join(Run, N, Next, Queues#{Order => Queue}, At, InRun, Left);
        stop ->
            joiner(Run, N, Next, Queues, At, InRun, Left - 1)
    end.

join(Run, N, Next, Queues, At, Run, Left) ->
    join(Run, N, Next, Queues, (At + 1) rem N, 0, Left);
join(Run, N, Next, Queues, At, InRun, Left) ->
    case queue:out(maps:get(At, Queues, queue:new())) of
        {empty, _} ->
            joiner(Run, N, Next, Queues, At, InRun, Left);
        {{value, Value}, Rest} ->
            Next ! {value, Value},
            join(Run, N, Next, Queues#{At => Rest}, At, InRun + 1, Left)
    end.

%% Orders two values, upwards or downwards.
exchanger(Order, Up, Next) ->
    receive
        {value, Held} ->
            receive
                {value, Value} when (Held =< Value) =:= Up -> send(Order, Next, Held, Value);
                {value, Value} -> send(Order, Next, Value, Held)
            end,
            exchanger(Order, Up, Next);
        stop ->
            Next ! stop
    end.

send(Order, Next, One, Other) ->
    Next ! {data, Order, One},
    Next ! {data, Order, Other}.
