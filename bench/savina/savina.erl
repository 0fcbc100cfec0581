%% SPDX-License-Identifier: MIT
%% What the Erlang programs of the Savina suite share: a main that runs the benchmark and reports
%% its mean time and its checksum, Savina's random numbers, and the end of an iteration.
-module(savina).
-export([main/3, main/4, await/1, random/1, real/1, busy/1]).

main(Name, Args, Iterate) ->
    main(Name, Args, fun(_) -> ok end, Iterate).

main(Name, Args, Prepare, Iterate) ->
    [Size, Iterations] = [list_to_integer(Arg) || Arg <- Args],
    {_, Monitor} = spawn_monitor(fun() -> run(Name, Size, Iterations, Prepare, Iterate) end),
    receive
        {'DOWN', Monitor, process, _, normal} -> halt();
        {'DOWN', Monitor, process, _, _} -> halt(1)
    end.

run(Name, Size, Iterations, Prepare, Iterate) ->
    Prepare(Size),
    Start = erlang:monotonic_time(nanosecond),
    Check = Iterate(Size),
    repeat(Iterate, Size, Check, Iterations - 1),
    Ns = (erlang:monotonic_time(nanosecond) - Start) / Iterations,
    io:format("~s ~.3f ms~ncheck ~b~n", [Name, Ns / 1.0e6, Check]).

repeat(_Iterate, _Size, _Check, 0) ->
    ok;
repeat(Iterate, Size, Check, N) ->
    Check = Iterate(Size),
    repeat(Iterate, Size, Check, N - 1).

%% Waits for N messages {done, Value} and returns the sum of their values.
await(N) -> await(N, 0).

await(0, Sum) ->
    Sum;
await(N, Sum) ->
    receive {done, Value} -> await(N - 1, Sum + Value) end.

%% The suite's random numbers, 0 to 65535: the next one is the state too.
random(State) -> (State * 1309 + 13849) band 65535.

real(State) -> 1.0 / (State + 1).

%% Works for as long as so many random numbers take.
busy(Steps) -> busy(Steps, 74755).

busy(0, State) -> State;
busy(Steps, State) -> busy(Steps - 1, random(State)).
