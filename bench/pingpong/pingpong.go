// SPDX-License-Identifier: MIT

// Ping-pong: two goroutines, each with a channel of its own; a message says where to answer.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

type message struct {
	from chan message
	n    int
}

func ponger(inbox chan message) {
	for ping := range inbox {
		ping.from <- message{inbox, ping.n}
	}
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	inbox, partner := make(chan message), make(chan message)
	go ponger(partner)
	start := time.Now()
	for i := 0; i < n; i++ {
		partner <- message{inbox, i}
		if pong := <-inbox; pong.n != i {
			panic("wrong answer")
		}
	}
	fmt.Printf("pingpong %.3f messages/s\n", float64(2*n)/time.Since(start).Seconds())
}
