#!/bin/sh
printf '#include <map>\nstd::map<int, int> m;\nint main() { return m[1]; }\n' | g++ -S -O1 -x c++ - -o - | sha256sum
