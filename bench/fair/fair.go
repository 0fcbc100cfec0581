// SPDX-License-Identifier: MIT

// Eight endless loops, and a goroutine that sleeps for 1 ms again and again: how late it wakes, in
// ms, the 99th percentile, or with max the worst.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"
)

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	for i := 0; i < 8; i++ {
		go func() {
			for {
			}
		}()
	}
	time.Sleep(100 * time.Millisecond)
	late := make([]time.Duration, n)
	for i := range late {
		due := time.Now().Add(time.Millisecond)
		time.Sleep(time.Millisecond)
		late[i] = time.Since(due)
	}
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	at := n * 99 / 100
	if len(os.Args) > 2 && os.Args[2] == "max" {
		at = n - 1
	}
	fmt.Printf("fair %.3f ms\n", float64(late[at].Nanoseconds())/1e6)
}
