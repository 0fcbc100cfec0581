// SPDX-License-Identifier: MIT

// Timers: a million started, so that all are pending at once, then all stopped. They are due
// between one and two minutes from now, in no order; none fires.
//
// All of it is done twice, and the second round is timed: in the first one memory is new, and what
// the system, or the host of a virtual machine, takes to provide it is as much as the work.
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

func doRound(timers []*time.Timer) {
	for i := range timers {
		ms := earliestMs + i*strideMs%rangeMs
		timers[i] = time.AfterFunc(time.Duration(ms)*time.Millisecond, late)
	}
	for _, timer := range timers {
		if !timer.Stop() {
			panic("a timer was gone")
		}
	}
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	timers := make([]*time.Timer, n)
	doRound(timers)
	start := time.Now()
	doRound(timers)
	fmt.Printf("timers %.3f timers/s\n", float64(n)/time.Since(start).Seconds())
}
