module heapfloor.example/waits

go 1.19
