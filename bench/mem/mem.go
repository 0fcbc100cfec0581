// SPDX-License-Identifier: MIT

// Memory of a million goroutines blocked on a channel, in bytes each: resident pages and page
// tables, less what the program held before.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
)

// memoryKiB is the resident memory and the page tables of this program.
func memoryKiB() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}

	total := 0
	for _, line := range strings.Split(string(status), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 1 && (fields[0] == "VmRSS:" || fields[0] == "VmPTE:") {
			kib, _ := strconv.Atoi(fields[1])
			total += kib
		}
	}
	return total
}

func waitForStop(missing *sync.WaitGroup, stop chan struct{}) {
	missing.Done()
	<-stop
}

func main() {
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}

	var missing sync.WaitGroup
	stop := make(chan struct{})
	before := memoryKiB()
	missing.Add(n)
	for i := 0; i < n; i++ {
		go waitForStop(&missing, stop)
	}
	missing.Wait()
	fmt.Printf("mem %.3f bytes\n", float64(memoryKiB()-before)*1024/float64(n))
}
