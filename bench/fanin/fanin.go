// SPDX-License-Identifier: MIT

// Fan-in: eight senders, each as fast as it can, to one receiver through a buffered channel.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	senders = 8
	buffer  = 1024
)

func sender(receiver chan int, n int) {
	for i := 0; i < n; i++ {
		receiver <- i
	}
}

func main() {
	each, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	items := each * senders
	receiver := make(chan int, buffer)
	start := time.Now()
	for i := 0; i < senders; i++ {
		go sender(receiver, each)
	}
	for i := 0; i < items; i++ {
		<-receiver
	}
	fmt.Printf("fanin %.3f messages/s\n", float64(items)/time.Since(start).Seconds())
}
