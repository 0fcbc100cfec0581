// SPDX-License-Identifier: MIT

// Calls of a server: a request carries the channel for the answer, and the caller waits for that
// or for a timer.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

const timeout = 5 * time.Second

type request struct {
	n      int
	answer chan int
}

func serve(requests chan request) {
	for r := range requests {
		r.answer <- r.n
	}
}

func client(requests chan request, n int) {
	answer := make(chan int, 1)
	timer := time.NewTimer(timeout)
	for i := 0; i < n; i++ {
		timer.Reset(timeout)
		requests <- request{i, answer}
		select {
		case <-answer:
		case <-timer.C:
			panic("timeout")
		}
		if !timer.Stop() {
			<-timer.C
		}
	}
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	clients := 1
	if len(os.Args) > 2 {
		clients, _ = strconv.Atoi(os.Args[2])
	}

	requests := make(chan request)
	go serve(requests)
	var running sync.WaitGroup
	start := time.Now()
	for c := 0; c < clients; c++ {
		running.Add(1)
		go func() {
			defer running.Done()
			client(requests, n/clients)
		}()
	}
	running.Wait()
	fmt.Printf("gencall %.3f calls/s\n", float64(n)/time.Since(start).Seconds())
}
