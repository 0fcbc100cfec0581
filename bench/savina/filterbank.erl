%% SPDX-License-Identifier: MIT
%% Filter bank: 8 channels, each a chain of actors that delay, filter, sample, delay and filter a
%% signal; the integrator and the combiner put the channels together again. The size is the length
%% of the filters. The check is made of the sum and the number of the values that come out.
-module(filterbank).
-export([main/1]).

-define(CHANNELS, 8).
-define(SIGNAL, 1000).

main(Args) -> savina:main(filterbank, Args, fun iterate/1).

iterate(Size) ->
    Self = self(),
    Sink = spawn(fun() -> sink(Self, 0.0, 0) end),
    Combine = spawn(fun() -> combine(Sink) end),
    Empty = maps:from_list([{Channel, queue:new()} || Channel <- lists:seq(0, ?CHANNELS - 1)]),
    Integrator = spawn(fun() -> integrator(Combine, Empty, ?CHANNELS) end),
    Branches = spawn(fun() ->
        branches([start_bank(Channel, Size, Integrator) || Channel <- lists:seq(0, ?CHANNELS - 1)])
    end),
    Source = spawn(fun() -> source(Self, Branches, 0) end),
    produce(Source, 2048 + max(2048, Size) * 2),
    Source ! stop,
    savina:await(1).

produce(_Source, 0) ->
    ok;
produce(Source, Left) ->
    Source ! boot,
    receive next -> produce(Source, Left - 1) end.

source(Producer, Next, Current) ->
    receive
        boot ->
            Next ! {value, float(Current)},
            Producer ! next,
            source(Producer, Next, (Current + 1) rem ?SIGNAL);
        stop ->
            Next ! stop
    end.

branches(Banks) ->
    receive
        {value, _} = Value ->
            [Bank ! Value || Bank <- Banks],
            branches(Banks);
        stop ->
            [Bank ! stop || Bank <- Banks]
    end.

start_bank(Channel, Size, Integrator) ->
    C = Channel,
    First = [float(I * Size + C * ?CHANNELS + C + I + C + 1) || I <- lists:seq(0, Size - 1)],
    Second = [float(I * C + C * C + C + I) || I <- lists:seq(0, Size - 1)],
    Tag = spawn(fun() -> tag(Integrator, Channel) end),
    Filter2 = start_filter(Second, Size, Tag),
    Delay2 = start_delay(Size, Filter2),
    Sample = spawn(fun() -> sample(Delay2, Size, 0) end),
    Filter1 = start_filter(First, Size, Sample),
    Delay1 = start_delay(Size, Filter1),
    spawn(fun() -> bank(Delay1) end).

start_filter(Weights, Size, Next) ->
    spawn(fun() ->
        filter(Next, Size, list_to_tuple(Weights), erlang:make_tuple(Size, 0.0), 0, false)
    end).

start_delay(Size, Next) ->
    spawn(fun() -> delay(Next, queue:from_list(lists:duplicate(Size - 1, 0.0))) end).

bank(Next) ->
    receive
        {value, _} = Value ->
            Next ! Value,
            bank(Next);
        stop ->
            Next ! stop
    end.

delay(Next, Queue) ->
    receive
        {value, Value} ->
            {{value, Oldest}, Rest} = queue:out(Queue),
            Next ! {value, Oldest},
            delay(Next, queue:in(Value, Rest));
        stop ->
            Next ! stop
    end.

filter(Next, Size, Weights, Last, At, Full) ->
    receive
        {value, Value} ->
            Data = setelement(At + 1, Last, Value),
            NowFull = Full orelse At + 1 =:= Size,
            NowFull andalso (Next ! {value, dot(Data, Weights, 1, Size, 0.0)}),
            filter(Next, Size, Weights, Data, (At + 1) rem Size, NowFull);
        stop ->
            Next ! stop
    end.

dot(Data, Weights, I, Size, Sum) when I =< Size ->
    dot(Data, Weights, I + 1, Size, Sum + element(I, Data) * element(Size - I + 1, Weights));
dot(_Data, _Weights, _I, _Size, Sum) ->
    Sum.

sample(Next, Size, At) ->
    receive
        {value, _} = Value ->
            Next ! case At of 0 -> Value; _ -> {value, 0.0} end,
            sample(Next, Size, (At + 1) rem Size);
        stop ->
            Next ! stop
    end.

tag(Next, Channel) ->
    receive
        {value, Value} ->
            Next ! {sourced, Channel, Value},
            tag(Next, Channel);
        stop ->
            Next ! stop
    end.

%% Of: for each channel the values that wait for those of the others.
integrator(Next, _Of, 0) ->
    Next ! stop;
integrator(Next, Of, Running) ->
    receive
        {sourced, Channel, Value} ->
            #{Channel := Queue} = Of,
            integrator(Next, integrate(Next, Of#{Channel := queue:in(Value, Queue)}), Running);
        stop ->
            integrator(Next, Of, Running - 1)
    end.

integrate(Next, Of) ->
    case lists:any(fun queue:is_empty/1, maps:values(Of)) of
        true ->
            Of;
        false ->
            Next ! {collection, [queue:get(Queue) || Queue <- maps:values(Of)]},
            maps:map(fun(_, Queue) -> queue:drop(Queue) end, Of)
    end.

combine(Next) ->
    receive
        {collection, Values} ->
            Next ! {value, lists:sum(Values)},
            combine(Next);
        stop ->
            Next ! stop
    end.

sink(Parent, Sum, Count) ->
    receive
        {value, Value} -> sink(Parent, Sum + Value, Count + 1);
        stop -> Parent ! {done, round(math:fmod(Sum, 1.0e9)) + Count * 1000000000}
    end.
