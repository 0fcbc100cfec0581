// SPDX-License-Identifier: MIT

// Messages that carry a slice of 1 MiB, shared: from one goroutine to another, which says so after each
// hundred.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const batch = 100

type message []byte

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	to, next := make(chan message, batch), make(chan bool)
	go func() {
		for taken := 1; ; taken++ {
			<-to
			if taken%batch == 0 {
				next <- true
			}
		}
	}()
	payload := make(message, 1<<20)
	start := time.Now()
	for i := 0; i < n; i += batch {
		for j := 0; j < batch; j++ {
			to <- payload
		}
		<-next
	}
	fmt.Printf("msg_1m %.3f messages/s\n", float64(n)/time.Since(start).Seconds())
}
