# shellcheck shell=bash
# Sourced by packaging/run, packaging/demo, packaging/test and packaging/deb: progress lines, parallelism, CMake presets.

# say TEXT...: one visible progress line, with the seconds since the script started.
say() {
  printf '[%4ds] %s\n' "$SECONDS" "$*" >&2
}

# die TEXT...: ends the script with one sentence.
die() {
  printf 'packaging/%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# build_jobs: compilers that may run at once. One of our translation units takes up to 1 GiB.
build_jobs() {
  local processors memory_gib
  processors=$(nproc)
  memory_gib=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
  if ((memory_gib < 1)); then memory_gib=1; fi
  echo $((processors < memory_gib ? processors : memory_gib))
}

# A prefix for the commands that compile and test, set where a step needs one.
launcher=()

# build_preset PRESET [cmake --build arguments...]: configures where needed, then builds.
# Must be called from the repository's root.
build_preset() {
  local preset=$1
  shift
  say "configure $preset"
  cmake --preset "$preset" -Wno-dev >/dev/null || return 1
  say "build $preset"
  "${launcher[@]}" cmake --build --preset "$preset" --parallel "$(build_jobs)" "$@" >&2
}
