// SPDX-License-Identifier: MIT

// Skynet: a tree of goroutines with a million leaves, ten children to a node; each leaf sends its
// number up, each node the sum of its children's. The size is a power of ten.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const fanOut = 10

func collect(inbox chan int, children int) int {
	sum := 0
	for i := 0; i < children; i++ {
		sum += <-inbox
	}
	return sum
}

func node(parent chan int, first, size int) {
	if size == 1 {
		parent <- first
		return
	}
	inbox := make(chan int, fanOut) // So that no child waits for its parent.
	size /= fanOut
	for i := 0; i < fanOut; i++ {
		go node(inbox, first+i*size, size)
	}
	parent <- collect(inbox, fanOut)
}

func main() {
	leaves, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	inbox := make(chan int)
	start := time.Now()
	go node(inbox, 0, leaves)
	sum := collect(inbox, 1)
	elapsed := time.Since(start)
	if sum != leaves*(leaves-1)/2 {
		panic("wrong sum")
	}
	fmt.Printf("skynet %.3f ms\n", elapsed.Seconds()*1000)
}
