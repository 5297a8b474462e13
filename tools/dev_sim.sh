# shellcheck shell=bash
# Part of ./dev: simulated histories, kill loops and the counts of the fuzz targets.

# "90", "30s", "10m", "2h" in seconds.
seconds_of() {
  [[ $1 =~ ^([0-9]+)([smh]?)$ ]] || fail "sim: '$1' is not a time" "for example: ./dev sim --for 1h"
  case "${BASH_REMATCH[2]}" in
    m) echo $((BASH_REMATCH[1] * 60)) ;;
    h) echo $((BASH_REMATCH[1] * 3600)) ;;
    *) echo "${BASH_REMATCH[1]}" ;;
  esac
}

sim() {
  local option=${1:-} value=${2:-} from=${3:-} seconds
  [[ $# -ge 2 && $# -le 3 && $option =~ ^--(seed|seeds|for|kill)$ ]] ||
    fail "sim: expected --seed N, --seeds FROM TO, --for TIME [FROM] or --kill N" \
      "for example: ./dev sim --seed 42"
  need_packages tools/packages.txt
  case "$option" in
    --seed)
      build_preset check tidemill_sim
      build/check/tests/sim/tidemill_sim --seed "$value"
      ;;
    --seeds)
      build_preset check tidemill_sim
      build/check/tests/sim/tidemill_sim --seeds "$value" "$from"
      ;;
    --for)
      seconds=$(seconds_of "$value")
      build_preset check tidemill_sim
      # Seeds that nobody has seen yet, unless told where to begin.
      build/check/tests/sim/tidemill_sim --for "$seconds" "${from:-$(date +%s)000}"
      ;;
    --kill)
      need_python tools/requirements.txt
      build_preset check tidemill
      .venv/bin/python -m pytest -q -s -p no:cacheprovider --tidemill build/check/tidemill \
        --kills "$value" tests/e2e/test_kills.py
      ;;
  esac
}

# Distinct inputs of each corpus (by content), those found on this machine, and executions in a few
# seconds each.
fuzz_report() {
  local seconds=${1:-5} name seeds found executions
  need_packages tools/packages.txt tools/packages-fuzz.txt
  build_preset fuzz >&2
  printf '%-10s %8s %8s %12s\n' target seeds found executions
  for name in $(fuzz_targets); do
    mkdir -p "build/fuzz-corpus/$name"
    seeds=$(distinct_files "tests/fuzz/corpus/$name")
    found=$(distinct_files "build/fuzz-corpus/$name")
    executions=$("build/fuzz/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 \
      -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build/fuzz-corpus/$name-" \
      "build/fuzz-corpus/$name" "tests/fuzz/corpus/$name" 2>&1 |
      sed -n 's/^stat::number_of_executed_units: *//p')
    printf '%-10s %8s %8s %12s\n' "$name" "$seeds" "$found" "${executions:-failed}"
  done
}

fuzz_targets() { (cd tests/fuzz && printf '%s\n' *_fuzz.cc | sed 's/_fuzz\.cc$//'); }

distinct_files() {
  find "$1" -type f -exec sha256sum {} + 2>/dev/null | cut -d ' ' -f 1 | sort -u | wc -l
}
