#!/usr/bin/env bash
# run_benchmarks.sh [BUILD_FOLDER] [exporters.py's arguments...]: every benchmark of a build with the preset bench.
# Results also go to BUILD_FOLDER/benchmarks/. One that fails does not keep the others from running; then the exit code is 1.
set -uo pipefail

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
build=${1:-$here/../../build/bench}
shift || true
results=$build/benchmarks
mkdir -p "$results" || exit 1
failed=()

for program in "$build"/bin/*_bench; do
  [[ -x $program ]] || continue
  name=${program##*/}
  echo "== $name"
  "$program" --benchmark_out="$results/$name.json" --benchmark_out_format=json || failed+=("$name")
done

echo "== exporters"
agent=()
if [[ -x $build/bin/heapfloor ]]; then agent=(--agent "$build/bin/heapfloor"); fi
python3 "$here/exporters.py" --bin "$build/bin" "${agent[@]}" --output "$results/exporters.json" "$@" |
  tee "$results/exporters.md" || failed+=(exporters)

echo "== heap profilers"
python3 "$here/heap_profilers.py" --bin "$build/bin" --probe "$build/lib/libheapfloor_probe.so" --output "$results/heap_profilers.json" |
  tee "$results/heap_profilers.md" || failed+=("heap profilers")

if ((${#failed[@]} > 0)); then
  echo "run_benchmarks.sh: failed: ${failed[*]}" >&2
  exit 1
fi
