// SPDX-License-Identifier: MIT

// How late 100,000 timers are that are due within one second: the 99th percentile, in ms.
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

	fired := make(chan time.Time, n)
	late := make([]time.Duration, n)
	for i := 0; i < n; i++ {
		d := time.Duration(100+i*7919%900) * time.Millisecond
		due := time.Now().Add(d)
		time.AfterFunc(d, func() { fired <- due })
	}
	for i := range late {
		late[i] = time.Since(<-fired)
	}
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	fmt.Printf("timer_late %.3f ms\n", float64(late[n*99/100].Nanoseconds())/1e6)
}
