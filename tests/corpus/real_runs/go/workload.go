// A small server whose memory behaves in one named way: scenarios of the detector's catalogue as real programs.
// ../README.md says what each is and how it is recorded.
package main

import (
	"flag"
	"fmt"
	"math/rand"
	"net"
	"os"
	"runtime"
	"time"
)

const (
	kib = 1024
	mib = 1024 * kib
)

// What every scenario works with. Everything runs in one goroutine unless a scenario says otherwise.
type setting struct {
	seconds float64 // length of the whole run
	random  *rand.Rand
	begun   bool
	leaked  uint64
}

// From now on memory is lost for good.
func (s *setting) onset() {
	if !s.begun {
		s.begun = true
		fmt.Println("onset")
	}
}

// What a scenario does on a request, and every tenth of a second; either may be missing.
type workload struct {
	request func()
	tick    func(seconds float64)
}

// Bytes that were written to, so that they are resident.
func touched(size int) []byte {
	bytes := make([]byte, size)
	for i := 0; i < size; i += kib {
		bytes[i] = 1
	}
	return bytes
}

// A loopback port that answers every byte with a byte, one client at a time.
func listen(requests chan<- int) (net.Listener, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	go func() {
		buffer := make([]byte, 256)
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			for {
				count, err := client.Read(buffer)
				if err != nil {
					break
				}
				requests <- count
				if _, err := client.Write(buffer[:count]); err != nil {
					break
				}
			}
			client.Close()
		}
	}()
	return listener, nil
}

// The live heap after each collection, and what is in use every second.
func reportHeap(collections uint32) uint32 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	if stats.NumGC != collections {
		fmt.Printf("mark %d %d\n", stats.NumGC, liveBytes(&stats))
	}
	fmt.Printf("used %d\n", stats.HeapAlloc)
	return stats.NumGC
}

// The live heap at the last collection. Since Go 1.18 the next one is due at live + (live + stacks + globals) x GOGC /
// 100; Go 1.19 does not tell the live size itself. Globals are a few hundred KiB here.
func liveBytes(stats *runtime.MemStats) uint64 {
	if stats.NextGC < stats.StackInuse {
		return 0
	}
	return (stats.NextGC - stats.StackInuse) / 2
}

func serve(work workload, given *setting, requests <-chan int) {
	began := time.Now()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	var temporary []byte
	var collections uint32
	for ticks := 0; ; {
		select {
		case count := <-requests:
			for ; count > 0; count-- {
				temporary = touched(kib + given.random.Intn(15*kib))
				if work.request != nil {
					work.request()
				}
			}
		case <-ticker.C:
			seconds := time.Since(began).Seconds()
			if seconds >= given.seconds {
				return
			}
			if work.tick != nil {
				work.tick(seconds)
			}
			ticks++
			if ticks%10 == 0 {
				collections = reportHeap(collections)
			}
			if ticks%100 == 0 && given.begun {
				fmt.Printf("leaked %d\n", given.leaked)
			}
		}
		runtime.KeepAlive(temporary)
	}
}

func main() {
	name := flag.String("scenario", "", "")
	seconds := flag.Float64("seconds", 3600, "the program ends by itself")
	seed := flag.Int64("seed", 1, "")
	flag.String("directory", "", "for files; none are written")
	flag.Parse()
	given := &setting{seconds: *seconds, random: rand.New(rand.NewSource(*seed))}
	maker, known := scenarios[*name]
	if !known {
		fmt.Fprintf(os.Stderr, "workload: no scenario %q\n", *name)
		os.Exit(2)
	}
	base := touched(20 * mib)
	work := maker(given)
	requests := make(chan int)
	listener, err := listen(requests)
	if err != nil {
		fmt.Fprintln(os.Stderr, "workload:", err)
		os.Exit(1)
	}
	defer listener.Close()
	serve(work, given, requests)
	runtime.KeepAlive(base)
}
