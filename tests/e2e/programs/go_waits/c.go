//go:build withcgo

package main

// static void nothing(void) {}
import "C"

func init() { C.nothing() }
