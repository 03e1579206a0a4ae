// A Go service with nothing of heapfloor in it: its baskets are never checked out, 1 MiB a second.
//
//	GOMEMLIMIT=256MiB ./basket [SECONDS]
//
// It ends by itself, and stops growing at 400 MiB.
package main

import (
	"fmt"
	_ "net/http/pprof" // as most services have it: then the runtime samples allocations
	"os"
	"runtime"
	"strconv"
	"time"
)

const (
	itemBytes      = 16 << 10
	itemsPerSecond = 64
	mostItems      = 25600
)

type basket struct {
	items []byte
}

var (
	baskets = map[int]*basket{}
	answer  []byte
)

//go:noinline
func addToBasket(customer int) {
	baskets[customer] = &basket{make([]byte, itemBytes)}
}

// What each request leaves behind for the garbage collector.
func answerRequest() {
	answer = make([]byte, itemBytes)
}

func main() {
	seconds := 600
	if len(os.Args) > 1 {
		seconds, _ = strconv.Atoi(os.Args[1])
	}
	if seconds <= 0 {
		fmt.Fprintln(os.Stderr, "usage: basket [SECONDS]")
		os.Exit(2)
	}
	start := time.Now()
	collected := start
	for now := start; now.Sub(start).Seconds() < float64(seconds); now = time.Now() {
		due := int(now.Sub(start).Seconds() * itemsPerSecond)
		for len(baskets) < due && len(baskets) < mostItems {
			addToBasket(len(baskets))
		}
		answerRequest()
		if now.Sub(collected) > time.Second {
			collected = now
			runtime.GC() // at least every two minutes by itself; here a day is over in minutes
		}
		time.Sleep(50 * time.Millisecond)
	}
}
