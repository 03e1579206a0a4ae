package main

// #include <stdlib.h>
// #include <string.h>
import "C"

import "fmt"

var scenarios = map[string]func(*setting) workload{
	"equal_stairs":          equalStairs,
	"gc_growing_heap":       growingHeap,
	"goroutine_leak":        goroutineLeak,
	"cgo_allocations":       cgoAllocations,
	"slice_keeps_array":     sliceKeepsArray,
	"string_interning":      stringInterning,
	"geometric_cache":       geometricCache,
	"fast_to_limit":         fastToLimit,
	"flat":                  flat,
	"churn":                 churn,
	"early_doublings":       earlyDoublings,
	"map_peak_then_deletes": mapPeakThenDeletes,
	"load_sized":            loadSized,
	"bounded_cache":         boundedCache,
	"reload":                reload,
}

// 8: every four minutes a batch keeps 8 MiB.
func equalStairs(given *setting) workload {
	var kept [][]byte
	next := 60.0
	return workload{tick: func(seconds float64) {
		if seconds >= next {
			given.onset()
			kept = append(kept, touched(8*mib))
			given.leaked += 8 * mib
			next += 240
		}
	}}
}

// 21: a map that grows under the collector, its garbage with it.
func growingHeap(given *setting) workload {
	given.onset()
	sessions := map[int][]byte{}
	return workload{request: func() {
		if given.random.Intn(4) == 0 {
			sessions[len(sessions)] = touched(2 * kib)
			given.leaked += 2 * kib
		}
	}}
}

// 25: senders that nobody receives from.
func goroutineLeak(given *setting) workload {
	given.onset()
	return workload{request: func() {
		if given.random.Intn(5) == 0 {
			results := make(chan []byte)
			go func() {
				results <- touched(kib)
			}()
			given.leaked += 3 * kib
		}
	}}
}

// 27: memory of C that the collector does not see.
func cgoAllocations(given *setting) workload {
	given.onset()
	return workload{request: func() {
		if given.random.Intn(8) == 0 {
			C.memset(C.malloc(4*kib), 1, 4*kib)
			given.leaked += 4 * kib
		}
	}}
}

// 28: a few bytes of a large answer keep all of it.
func sliceKeepsArray(given *setting) workload {
	given.onset()
	var headers [][]byte
	next := 20.0
	return workload{tick: func(seconds float64) {
		if seconds >= next {
			headers = append(headers, touched(mib)[:16])
			given.leaked += mib
			next += 20 + given.random.Float64()*40
		}
	}}
}

// 32: names that are seen first often and then at a steady pace are all kept.
func stringInterning(given *setting) workload {
	given.onset()
	interned := map[string][]byte{}
	next := 0
	return workload{request: func() {
		name := given.random.Intn(6000)
		if given.random.Intn(6) == 0 {
			next++
			name = 1000000 + next
		}
		key := fmt.Sprintf("session-%032d", name)
		if _, known := interned[key]; !known {
			interned[key] = touched(2 * kib)
		}
	}}
}

// 37: the history is copied into a slice that is two fifths larger, and filled up.
func geometricCache(given *setting) workload {
	given.onset()
	var cache [][]byte
	next := 60.0
	return workload{tick: func(seconds float64) {
		if seconds >= next {
			grown := make([][]byte, len(cache), len(cache)*14/10+40)
			copy(grown, cache)
			for len(grown) < cap(grown) {
				grown = append(grown, touched(4*kib))
			}
			cache = grown
			next += 180
		}
	}}
}

// 20: 3 MiB a second from the second minute on.
func fastToLimit(given *setting) workload {
	var kept [][]byte
	return workload{tick: func(seconds float64) {
		if seconds >= 120 {
			given.onset()
			kept = append(kept, touched(300*kib))
			given.leaked += 300 * kib
		}
	}}
}

// 38
func flat(*setting) workload {
	return workload{}
}

// 40: short-lived objects in bursts.
func churn(given *setting) workload {
	var recent [64][]byte
	return workload{request: func() {
		for i := 0; i < 4; i++ {
			recent[given.random.Intn(len(recent))] = touched(kib + given.random.Intn(64*kib))
		}
	}}
}

// 48: a heap that doubles a few times while it starts and then stays.
func earlyDoublings(*setting) workload {
	var tables [][]byte
	next, size := 20.0, mib
	return workload{tick: func(seconds float64) {
		if seconds >= next && size <= 32*mib {
			tables = append(tables, touched(size))
			size *= 2
			next *= 2
		}
	}}
}

// 65: a map that had many entries keeps its buckets after they are deleted.
func mapPeakThenDeletes(given *setting) workload {
	table := map[int][64]byte{}
	return workload{request: func() {
		if given.random.Intn(3000) == 0 {
			for i := 0; i < 300000; i++ {
				table[i] = [64]byte{1}
			}
			for key := range table {
				delete(table, key)
			}
		}
	}}
}

// 43: memory in proportion to the load.
func loadSized(*setting) workload {
	requests, rate := 0, 0.0
	var buffers [][]byte
	return workload{
		request: func() { requests++ },
		tick: func(float64) {
			rate += 0.01 * (float64(requests)*10 - rate)
			requests = 0
			for len(buffers) < int(rate) {
				buffers = append(buffers, touched(mib))
			}
			for i := int(rate); i < len(buffers); i++ {
				buffers[i] = nil
			}
			buffers = buffers[:int(rate)]
		},
	}
}

// 41: a cache over a bounded number of keys.
func boundedCache(given *setting) workload {
	cache := map[int][]byte{}
	return workload{request: func() {
		key := given.random.Intn(30000)
		if _, known := cache[key]; !known {
			cache[key] = touched(2 * kib)
		}
	}}
}

// 46: a table that is loaded again with another size.
func reload(given *setting) workload {
	var table []byte
	next := 60.0
	return workload{tick: func(seconds float64) {
		if seconds >= next {
			table = touched((10 + given.random.Intn(50)) * mib)
			next += 240 + given.random.Float64()*480
		}
		if len(table) > 0 {
			table[0]++
		}
	}}
}
