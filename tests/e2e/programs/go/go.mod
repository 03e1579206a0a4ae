module heapfloor.test/service

go 1.19
