// SPDX-License-Identifier: MIT

// Messages that carry an array of 1 KiB, copied: from one goroutine to another, which says so after each
// hundred.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const batch = 100

type message [128]int64

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
	var payload message
	start := time.Now()
	for i := 0; i < n; i += batch {
		for j := 0; j < batch; j++ {
			to <- payload
		}
		<-next
	}
	fmt.Printf("msg_1k %.3f messages/s\n", float64(n)/time.Since(start).Seconds())
}
