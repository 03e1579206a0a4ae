#!/usr/bin/env bash
# run_benchmarks.sh [BUILD_FOLDER] [exporters.py's arguments...]: every benchmark of a build with the preset bench.
# Results also go to BUILD_FOLDER/benchmarks/.
set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
build=${1:-$here/../../build/bench}
shift || true
results=$build/benchmarks
mkdir -p "$results"

for program in "$build"/bin/*_bench; do
  [[ -x $program ]] || continue
  echo "== ${program##*/}"
  "$program" --benchmark_out="$results/${program##*/}.json" --benchmark_out_format=json
done

echo "== exporters"
agent=()
if [[ -x $build/bin/heapfloor ]]; then agent=(--agent "$build/bin/heapfloor"); fi
python3 "$here/exporters.py" --bin "$build/bin" "${agent[@]}" --output "$results/exporters.json" "$@" |
  tee "$results/exporters.md"
