// Goroutines in known numbers that wait at known places: waits NUMBER. Says "ready" when they do; for each line that it
// reads it writes its own stacks, as /debug/pprof/goroutine?debug=2 does, and a line "end". Ends with its input.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"time"
)

const depth = 40

var (
	never         = make(chan int)
	locked        sync.Mutex
	group         sync.WaitGroup
	changed       = sync.NewCond(&sync.Mutex{})
	ballast       [][]byte
	reads, writes = pipe()
)

func pipe() (*os.File, *os.File) {
	reads, writes, _ := os.Pipe()
	return reads, writes
}

func consume() { <-never }
func produce() { never2 <- 1 }
func lock() {
	locked.Lock() // is inlined
	defer locked.Unlock()
}
func choose() {
	select {
	case <-never:
	case never2 <- 1:
	}
}
func join() { group.Wait() }
func await() {
	changed.L.Lock()
	changed.Wait()
}
func rest() { time.Sleep(time.Hour) }
func read() {
	var one [1]byte
	_, _ = reads.Read(one[:])
}
func descend(left int) int {
	var room [64]int
	room[left] = left
	if left == 0 {
		<-never
	} else {
		room[0] = descend(left - 1)
	}
	return room[left%len(room)] + room[0]
}

var never2 = make(chan int)

type worker struct{ number int }

func (w *worker) run() { <-never }

func serve(number int) {
	for i := 0; i < number; i++ {
		w := &worker{i}
		go w.run()
		if i%2 == 0 {
			go consume()
		}
		if i%3 == 0 {
			go lock()
		}
		if i%4 == 0 {
			go choose()
		}
		if i%5 == 0 {
			go join()
		}
		if i%6 == 0 {
			go await()
		}
		if i%7 == 0 {
			go rest()
		}
		if i%8 == 0 {
			go read()
		}
		if i%9 == 0 {
			go func() { descend(depth) }()
		}
	}
}

func main() {
	number, _ := strconv.Atoi(os.Args[1])
	locked.Lock()
	group.Add(1)
	serve(number)
	for i := 0; i < 20; i++ {
		ballast = append(ballast, make([]byte, 1<<20))
	}
	time.Sleep(200 * time.Millisecond)
	runtime.GC()
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		_ = pprof.Lookup("goroutine").WriteTo(os.Stdout, 2)
		fmt.Println("end")
	}
}
