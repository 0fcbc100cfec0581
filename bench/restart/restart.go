// SPDX-License-Identifier: MIT

// Crashes of a supervised goroutine, by hand: it panics when told, what runs it recovers and starts
// another one.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func child(up chan chan bool) {
	crash := make(chan bool)
	up <- crash
	<-crash
	panic("told to")
}

func keep(up chan chan bool) {
	ended := make(chan bool)
	for {
		go func() {
			defer func() {
				recover()
				ended <- true
			}()
			child(up)
		}()
		<-ended
	}
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	up := make(chan chan bool)
	go keep(up)
	start := time.Now()
	for i := 0; i < n; i++ {
		crash := <-up
		crash <- true
	}
	<-up
	fmt.Printf("restart %.3f restarts/s\n", float64(n)/time.Since(start).Seconds())
}
