// SPDX-License-Identifier: MIT

// Big, of the Savina suite: 128 actors, each of which sends 10,000 pings, one at a time, each to an
// actor it chooses at random, and answers the pings of all others meanwhile. The sink hears from
// each that is done. The random numbers are Savina's own, the same in each language.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const actors = 128

type kind int

const (
	ping kind = iota
	pong
)

type message struct {
	kind kind
	from int
}

func actor(id, pings int, inboxes []chan message, sink chan struct{}) {
	random, expected, sent := id, id, 0
	for m := range inboxes[id] {
		if m.kind == ping {
			inboxes[m.from] <- message{pong, id}
			continue
		}
		if m.from != expected {
			panic("wrong pong")
		}
		if sent == pings {
			sink <- struct{}{}
			continue
		}
		sent++
		random = (random*1309 + 13849) & 65535
		expected = random % actors
		inboxes[expected] <- message{ping, id}
	}
}

func main() {
	pings, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	sink := make(chan struct{})
	inboxes := make([]chan message, actors)
	for i := range inboxes {
		// A ping from each actor and one pong always fit, so that no actor blocks another.
		inboxes[i] = make(chan message, actors+1)
	}
	for i := range inboxes {
		go actor(i, pings, inboxes, sink)
	}

	start := time.Now()
	for i := range inboxes {
		inboxes[i] <- message{pong, i}
	}
	for range inboxes {
		<-sink
	}
	fmt.Printf("big %.3f messages/s\n", float64(2*actors*pings)/time.Since(start).Seconds())
}
