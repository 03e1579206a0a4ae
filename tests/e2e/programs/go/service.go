// A service of one known memory behaviour: service KIND SECONDS BYTES_PER_SECOND GC_SECONDS. Whatever it is, it serves
// requests that leave garbage behind. It asks for a collection every GC_SECONDS: the runtime makes one every two minutes
// at least, a day lasts minutes here, and the two minutes of a day with it. At SIGUSR1 a leak is repaired: what it holds
// above keptBytes is given up, and from then on no more is held. It ends by itself.
package main

import (
	"container/list"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	blockBytes     = 4096
	userBytes      = 1 << 20
	ticksPerSecond = 50
	keptBytes      = 8 << 20
	lifeSeconds    = 15
)

type user struct {
	id      int
	picture [userBytes - 64]byte
}

type session struct {
	user int
}

type expiring struct {
	block []byte
	end   time.Time
}

var (
	users       = map[int]*user{}       // a cache that nobody evicts from
	sessions    = map[*session][]byte{} // keys that nobody has any more
	everything  sync.Map                // written to, never deleted from
	never       = make(chan struct{})   // what leaked goroutines wait for
	headers     [][]byte                // a few bytes of each request, which keep all of it
	recent      = list.New()            // of a bounded cache
	recentByKey = map[int]*list.Element{}
	cache       = map[int]expiring{}
	loaded      [][]byte // at the start, and kept
	isRepaired  atomic.Bool
	sink        []byte
)

func holdUser(number int) {
	users[number] = &user{id: number}
	if isRepaired.Load() {
		for id := range users {
			if len(users)*userBytes > keptBytes {
				delete(users, id)
			}
		}
	}
}

func holdSession(number int) {
	sessions[&session{number}] = make([]byte, blockBytes)
}

func holdForever(number int) {
	everything.Store(number, make([]byte, blockBytes))
}

// A handler that waits for an answer that nobody sends. Its stack is 2 KiB, and it holds the request.
func handle(number int) {
	request := make([]byte, blockBytes/2)
	go func() {
		<-never
		sink = request
	}()
}

func keepHeader(number int) {
	request := make([]byte, blockBytes)
	headers = append(headers, request[:16])
}

func holdRecent(number int) {
	recentByKey[number] = recent.PushFront(make([]byte, blockBytes))
	if len(recentByKey) > keptBytes/blockBytes {
		oldest := number - keptBytes/blockBytes
		recent.Remove(recentByKey[oldest])
		delete(recentByKey, oldest)
	}
}

func holdForAWhile(number int) {
	now := time.Now()
	cache[number] = expiring{make([]byte, blockBytes), now.Add(lifeSeconds * time.Second)}
	if number%256 != 0 {
		return
	}
	for key, entry := range cache {
		if entry.end.Before(now) {
			delete(cache, key)
		}
	}
}

func warmUp(number int) {
	if len(loaded)*blockBytes < 3*keptBytes {
		loaded = append(loaded, make([]byte, blockBytes))
	}
}

// What a request holds, and how many bytes of memory that are.
type step struct {
	hold  func(number int)
	bytes int
}

var steps = map[string]step{
	"users":     {holdUser, userBytes},
	"sessions":  {holdSession, blockBytes},
	"syncmap":   {holdForever, blockBytes},
	"goroutine": {handle, blockBytes},
	"subslice":  {keepHeader, blockBytes},
	"repaired":  {holdUser, userBytes},
	"lru":       {holdRecent, blockBytes},
	"ttl":       {holdForAWhile, blockBytes},
	"warmup":    {warmUp, blockBytes},
}

func main() {
	step, isKnown := steps[os.Args[1]]
	seconds, _ := strconv.ParseFloat(os.Args[2], 64)
	rate, _ := strconv.ParseFloat(os.Args[3], 64)
	gcSeconds, _ := strconv.ParseFloat(os.Args[4], 64)
	if !isKnown || seconds <= 0 || rate <= 0 || gcSeconds <= 0 {
		fmt.Fprintln(os.Stderr, "usage: service KIND SECONDS BYTES_PER_SECOND GC_SECONDS")
		os.Exit(2)
	}
	repair := make(chan os.Signal, 1)
	signal.Notify(repair, syscall.SIGUSR1)
	start := time.Now()
	collected := start
	number := 0
	for now := start; now.Sub(start).Seconds() < seconds; now = time.Now() {
		for float64(number*step.bytes) < rate*now.Sub(start).Seconds() {
			step.hold(number)
			number++
		}
		for i := 0; i < 20; i++ {
			sink = make([]byte, blockBytes)
		}
		if now.Sub(collected).Seconds() > gcSeconds {
			collected = now
			runtime.GC()
		}
		select {
		case <-repair:
			isRepaired.Store(true)
		case <-time.After(time.Second / ticksPerSecond):
		}
	}
}
