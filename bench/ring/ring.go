// SPDX-License-Identifier: MIT

// Ring: a thousand goroutines in a circle hand one token on; the token counts the hops left.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const members = 1000

func member(inbox, next chan int, done chan struct{}) {
	for left := range inbox {
		if left == 0 {
			done <- struct{}{}
		} else {
			next <- left - 1
		}
	}
}

// makeRing returns the channel that the token is given to.
func makeRing(done chan struct{}) chan int {
	first := make(chan int)
	inbox := first
	for i := 1; i < members; i++ {
		next := make(chan int)
		go member(inbox, next, done)
		inbox = next
	}
	go member(inbox, first, done)
	return first
}

func main() {
	hops, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	done := make(chan struct{})
	first := makeRing(done)
	start := time.Now()
	first <- hops
	<-done
	fmt.Printf("ring %.3f hops/s\n", float64(hops)/time.Since(start).Seconds())
}
