// SPDX-License-Identifier: MIT

// A shared table of 1,000,000 keys: two goroutines, 95 % lookups and 5 % inserts, in random order.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	keys      = 1000000
	processes = 2
	inserts   = 5
)

var (
	lock  sync.RWMutex
	table = make(map[int]int)
)

func insert(key, value int) {
	lock.Lock()
	table[key] = value
	lock.Unlock()
}

func lookup(key int) int {
	lock.RLock()
	value := table[key]
	lock.RUnlock()
	return value
}

func work(x, n int) (sum int) {
	for i := 0; i < n; i++ {
		x = x * 48271 % 2147483647
		key := x * keys >> 31
		if x%100 < inserts {
			insert(key, i)
		} else {
			sum += lookup(key)
		}
	}
	return sum
}

func main() {
	each, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	for key := 0; key < keys; key++ {
		insert(key, key)
	}
	done := make(chan int)
	start := time.Now()
	for i := 1; i <= processes; i++ {
		go func(seed int) { done <- work(seed, each) }(i)
	}
	for i := 0; i < processes; i++ {
		<-done
	}
	fmt.Printf("table %.3f operations/s\n", float64(each*processes)/time.Since(start).Seconds())
}
