// A program that holds some hundred MiB, allocated in several ways, and serves its own heap profile: holder. It prints the
// port, and ends when its standard input does, or after two minutes.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"sync"
	"time"
)

type node struct {
	next    *node
	payload [120]byte
}

var (
	chain  *node
	blobs  [][]byte
	table  = map[int][300]byte{}
	boxed  []interface{}
	shared sync.Map
	sink   []byte
)

func link()            { chain = &node{next: chain} }
func addBlob()         { blobs = append(blobs, make([]byte, 4096)) }
func addEntry(key int) { table[key] = [300]byte{} }
func box(number int)   { boxed = append(boxed, [128]byte{byte(number)}) }
func share(number int) { shared.Store(number, number) }
func serveAndForget()  { sink = make([]byte, 2048) }

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(listener, nil)
	for i := 0; i < 300000; i++ {
		link()
		if i%10 == 0 {
			addBlob()
		}
		addEntry(i)
		box(i)
		share(i)
		serveAndForget()
	}
	runtime.GC()
	runtime.GC()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		time.Sleep(5 * time.Minute)
		os.Exit(1)
	}()
	bufio.NewReader(os.Stdin).ReadByte()
}
