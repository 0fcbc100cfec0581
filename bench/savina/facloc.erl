%% SPDX-License-Identifier: MIT
%% Online facility location: Size customers come, one at a time, to the root of a tree of quadrants
%% of a square. A quadrant whose customers are too far from all facilities it knows opens one in its
%% middle, tells the others, and parts itself into four. The check is the number of customers in the
%% end.
-module(facloc).
-export([main/1]).

-define(SIDE, 500.0).
-define(ALPHA, 2.0).

%% children: pairs of box and pid, [] until it is open.
-record(quadrant, {parent, position, box, facilities, customers = [], cost = 0.0, children = []}).

main(Args) -> savina:main(facloc, Args, fun iterate/1).

iterate(Size) ->
    Root = start(-1, {0.0, 0.0, ?SIDE, ?SIDE}, [], []),
    produce(Root, 74755, Size),
    Root ! stop,
    savina:await(1).

produce(_Root, _Random, 0) ->
    ok;
produce(Root, Last, Left) ->
    One = savina:random(Last),
    Two = savina:random(One),
    Root ! {customer, self(), {savina:real(One) * ?SIDE, savina:real(Two) * ?SIDE}},
    receive next -> produce(Root, Two, Left - 1) end.

start(Position, Box, Facilities, Customers) ->
    Parent = self(),
    spawn(fun() ->
        Q = #quadrant{parent = Parent, position = Position, box = Box,
                      facilities = [middle(Box) | Facilities]},
        quadrant(lists:foldl(fun add_customer/2, Q, Customers))
    end).

quadrant(#quadrant{position = Position, parent = Parent} = Q) ->
    receive
        {customer, Producer, Point} ->
            Next = take_customer(Q, Point, Producer),
            Position < 0 andalso (Producer ! next),
            quadrant(Next);
        {facility, From, Point} ->
            From >= 0 andalso Position >= 0 andalso (Parent ! {facility, Position, Point}),
            tell(Q#quadrant.children, From, Point, 0),
            quadrant(Q#quadrant{facilities = [Point | Q#quadrant.facilities]});
        stop ->
            Parent ! {case Position of -1 -> done; _ -> confirm end, served(Q)}
    end.

take_customer(#quadrant{children = []} = Q, Point, _Producer) ->
    Next = add_customer(Point, Q),
    case Next#quadrant.cost > ?ALPHA * math:sqrt(2) * ?SIDE of
        true -> open(Next);
        false -> Next
    end;
take_customer(#quadrant{children = Children} = Q, Point, Producer) ->
    {_, Child} = lists:nth(quarter(Point, Children, 1), Children),
    Child ! {customer, Producer, Point},
    Q.

add_customer(Point, #quadrant{customers = Customers, cost = Cost} = Q) ->
    Q#quadrant{customers = [Point | Customers], cost = Cost + cost(Point, Q#quadrant.facilities)}.

cost({X, Y}, [{FacilityX, FacilityY} | Rest]) ->
    Dx = FacilityX - X,
    Dy = FacilityY - Y,
    cost({X, Y}, Rest, math:sqrt(Dx * Dx + Dy * Dy)).

cost(_Point, [], Least) ->
    Least;
cost({X, Y} = Point, [{FacilityX, FacilityY} | Rest], Least) ->
    Dx = FacilityX - X,
    Dy = FacilityY - Y,
    cost(Point, Rest, min(Least, math:sqrt(Dx * Dx + Dy * Dy))).

open(#quadrant{box = {X1, Y1, X2, Y2} = Box, customers = Customers, position = Position} = Q) ->
    {X, Y} = Middle = middle(Box),
    Position >= 0 andalso (Q#quadrant.parent ! {facility, Position, Middle}),
    Boxes = [{X1, Y, X, Y2}, {X, Y, X2, Y2}, {X1, Y1, X, Y}, {X, Y1, X2, Y}],
    Sorted = [{quarter(Point, [{B, none} || B <- Boxes], 1), Point}
              || Point <- lists:reverse(Customers)],
    Children = [{B, start(I - 1, B, Q#quadrant.facilities, [P || {J, P} <- Sorted, J =:= I])}
                || {I, B} <- lists:zip([1, 2, 3, 4], Boxes)],
    Q#quadrant{children = Children, customers = []}.

%% The first quarter that contains the point.
quarter(_Point, [_], I) ->
    I;
quarter({X, Y}, [{{X1, Y1, X2, Y2}, _} | _], I) when X1 =< X, Y1 =< Y, X =< X2, Y =< Y2 ->
    I;
quarter(Point, [_ | Rest], I) ->
    quarter(Point, Rest, I + 1).

%% From a child to the quarter across, from the parent (-1) to all children.
tell([], _From, _Point, _I) ->
    ok;
tell([{_, Child} | Rest], From, Point, I) ->
    (From < 0 orelse I =:= 3 - From) andalso (Child ! {facility, -1, Point}),
    tell(Rest, From, Point, I + 1).

middle({X1, Y1, X2, Y2}) -> {(X1 + X2) / 2, (Y1 + Y2) / 2}.

served(#quadrant{children = [], customers = Customers}) ->
    length(Customers);
served(#quadrant{children = Children}) ->
    [Child ! stop || {_, Child} <- Children],
    lists:sum([receive {confirm, Served} -> Served end || _ <- Children]).
