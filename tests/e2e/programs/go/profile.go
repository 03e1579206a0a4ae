//go:build !noprofile

package main

// What makes the runtime take samples of allocations: as most services have it, also where nobody can reach it.
import _ "net/http/pprof"
