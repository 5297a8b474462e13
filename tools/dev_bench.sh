# shellcheck shell=bash
# Part of ./dev: measurements. Standard output holds the JSON lines alone; what is being done is
# told on standard error.

# bench [NAME] [--peers] [--case CASE]...: only bench_NAME and tidemill are built.
bench() {
  local name=engine peers=no
  local -a words=()
  if [[ $# -gt 0 && $1 != --* ]]; then
    name=$1
    shift
  fi
  [[ $name == engine ]] || fail "bench: there is no benchmark '$name'" "the only one is: engine"
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --peers) peers=yes ;;
      --case)
        [[ $# -ge 2 ]] || fail "bench: --case needs a name" "./dev bench $name --list tells them"
        words+=(--case "$2")
        shift
        ;;
      --list) words+=(--list) ;;
      *) fail "bench: unknown option '$1'" "the options are --case NAME, --list and --peers" ;;
    esac
    shift
  done
  need_packages tools/packages.txt >&2
  build_preset release tidemill "bench_$name" >&2
  say "measuring $name" >&2
  if [[ $peers == yes ]]; then
    python3 bench/peers/beside.py --bench "build/release/bench/bench_$name" \
      --tidemill build/release/tidemill -- ${words[@]+"${words[@]}"}
  else
    "build/release/bench/bench_$name" build/release/tidemill ${words[@]+"${words[@]}"}
  fi
}
