#!/bin/sh
for _ in 1 2 3 4 5 6 7 8 9 10; do
  seq 1000 | sort -r | head -n 3
done
