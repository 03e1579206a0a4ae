module heapfloor/real_runs

go 1.19
