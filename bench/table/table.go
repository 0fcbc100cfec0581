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
	shards    = 64
)

// A map for each shard behind a lock: faster here than sync.Map.
type shard struct {
	sync.RWMutex
	m map[int]int
	_ [32]byte
}

var table [shards]shard

func insert(key, value int) {
	s := &table[key%shards]
	s.Lock()
	s.m[key] = value
	s.Unlock()
}

func lookup(key int) int {
	s := &table[key%shards]
	s.RLock()
	value := s.m[key]
	s.RUnlock()
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

	for i := range table {
		table[i].m = make(map[int]int)
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
