// A Go program with a heap to collect, for who may read it.
package main

import "time"

var kept [64][]byte

func main() {
	for i := 0; ; i++ {
		kept[i%len(kept)] = make([]byte, 1<<18)
		time.Sleep(20 * time.Millisecond)
	}
}
