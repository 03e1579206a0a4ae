//go:build !noprofile

// What refers to net/http/pprof makes the runtime take samples of allocations: as most services have it, also where nobody can reach it.
package main

import (
	"expvar"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"strings"
	"time"
)

var begun = time.Now()

// What client_golang's collectors write of Go 1.19, as far as it is of memory.
func writeMetrics(answer http.ResponseWriter, _ *http.Request) {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	answer.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	fmt.Fprintf(answer, "# TYPE go_gc_duration_seconds summary\ngo_gc_duration_seconds{quantile=\"0.5\"} 0.0001\n")
	fmt.Fprintf(answer, "go_info{version=%q} 1\n", runtime.Version())
	for _, sample := range []struct {
		name  string
		value float64
	}{
		{"go_gc_duration_seconds_sum", float64(stats.PauseTotalNs) / 1e9},
		{"go_gc_duration_seconds_count", float64(stats.NumGC)},
		{"go_goroutines", float64(runtime.NumGoroutine())},
		{"go_memstats_alloc_bytes", float64(stats.Alloc)},
		{"go_memstats_alloc_bytes_total", float64(stats.TotalAlloc)},
		{"go_memstats_heap_alloc_bytes", float64(stats.HeapAlloc)},
		{"go_memstats_heap_idle_bytes", float64(stats.HeapIdle)},
		{"go_memstats_heap_inuse_bytes", float64(stats.HeapInuse)},
		{"go_memstats_heap_objects", float64(stats.HeapObjects)},
		{"go_memstats_heap_released_bytes", float64(stats.HeapReleased)},
		{"go_memstats_last_gc_time_seconds", float64(stats.LastGC) / 1e9},
		{"go_memstats_next_gc_bytes", float64(stats.NextGC)},
		{"go_memstats_stack_inuse_bytes", float64(stats.StackInuse)},
		{"go_memstats_sys_bytes", float64(stats.Sys)},
		{"process_start_time_seconds", float64(begun.UnixMilli()) / 1e3},
	} {
		fmt.Fprintf(answer, "%s %v\n", sample.name, sample.value)
	}
}

// SERVICE_PAGES says which pages the service has about itself, on a free port of the loopback address: metrics, vars, pprof.
func init() {
	pages := os.Getenv("SERVICE_PAGES")
	if pages == "" {
		return
	}
	mux := http.NewServeMux()
	for _, page := range strings.Split(pages, ",") {
		switch page {
		case "metrics":
			mux.HandleFunc("/metrics", writeMetrics)
		case "vars":
			mux.Handle("/debug/vars", expvar.Handler())
		case "pprof":
			mux.HandleFunc("/debug/pprof/", pprof.Index)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, mux)
}
