// SPDX-License-Identifier: MIT

// Items of 1 us each, worked on by a pool of one goroutine per core, results in order. How many
// steps of the work take 1 us is measured first, on one core.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

const trial = 20000000

var steps int

func work(x uint64) uint64 {
	for i := 0; i < steps; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func calibrate() uint64 {
	steps = trial
	start := time.Now()
	sum := work(1)
	steps = int(trial * 1000 / time.Since(start).Nanoseconds())
	return sum
}

type job struct {
	in  uint64
	out chan uint64
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	sum := calibrate()
	workers := runtime.GOMAXPROCS(0)
	jobs := make(chan job, workers)
	order := make(chan chan uint64, 2*workers)
	start := time.Now()
	for w := 0; w < workers; w++ {
		go func() {
			for j := range jobs {
				j.out <- work(j.in)
			}
		}()
	}
	go func() {
		for i := 1; i <= n; i++ {
			j := job{uint64(i), make(chan uint64, 1)}
			order <- j.out
			jobs <- j
		}
		close(order)
	}()
	for out := range order {
		sum += <-out
	}
	seconds := time.Since(start).Seconds()
	if sum == 0 {
		panic("no work was done")
	}
	fmt.Printf("pmap %.3f items/s\n", float64(n)/seconds)
}
