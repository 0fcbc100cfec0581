// SPDX-License-Identifier: MIT

// Spawn: a million goroutines that end at once; a wait group tells when the last one has.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	var running sync.WaitGroup
	start := time.Now()
	running.Add(n)
	for i := 0; i < n; i++ {
		go running.Done()
	}
	running.Wait()
	fmt.Printf("spawn %.3f processes/s\n", float64(n)/time.Since(start).Seconds())
}
