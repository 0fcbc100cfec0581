// SPDX-License-Identifier: MIT

// Timers: a million started, so that all are pending at once, then all stopped. They are due
// between one and two minutes from now, in no order; none fires.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	earliestMs = 60000
	rangeMs    = 60000
	strideMs   = 7919
)

func late() {
	panic("a timer fired")
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	start := time.Now()
	timers := make([]*time.Timer, n)
	for i := range timers {
		ms := earliestMs + i*strideMs%rangeMs
		timers[i] = time.AfterFunc(time.Duration(ms)*time.Millisecond, late)
	}
	for _, timer := range timers {
		if !timer.Stop() {
			panic("a timer was gone")
		}
	}
	fmt.Printf("timers %.3f timers/s\n", float64(n)/time.Since(start).Seconds())
}
