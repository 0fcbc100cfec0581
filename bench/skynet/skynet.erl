%% SPDX-License-Identifier: MIT
%% Skynet: a tree of processes with a million leaves, ten children to a node; each leaf sends its
%% number up, each node the sum of its children's. The size is a power of ten.
-module(skynet).
-export([main/1]).

-define(FAN_OUT, 10).

main([Size]) ->
    Leaves = list_to_integer(Size),
    Self = self(),
    Start = erlang:monotonic_time(),
    spawn(fun() -> node(Self, 0, Leaves) end),
    Sum = collect(1, 0),
    Ms = (erlang:monotonic_time() - Start) / erlang:convert_time_unit(1, second, native) * 1000,
    Sum = Leaves * (Leaves - 1) div 2,
    io:format("skynet ~.3f ms~n", [Ms]),
    halt().

node(Parent, First, 1) ->
    Parent ! First;
node(Parent, First, Size) ->
    Self = self(),
    Part = Size div ?FAN_OUT,
    start(?FAN_OUT, Self, First, Part),
    Parent ! collect(?FAN_OUT, 0).

start(0, _Parent, _First, _Size) ->
    ok;
start(N, Parent, First, Size) ->
    spawn(fun() -> node(Parent, First, Size) end),
    start(N - 1, Parent, First + Size, Size).

collect(0, Sum) ->
    Sum;
collect(N, Sum) ->
    receive Number -> collect(N - 1, Sum + Number) end.
