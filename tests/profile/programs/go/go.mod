module heapfloor.test/holder

go 1.19
