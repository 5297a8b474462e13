# shellcheck shell=bash
# Part of ./dev: configuring and building a preset.

# What one checkout has compiled serves another: ccache leaves the folder out of its key.
export CCACHE_NOHASHDIR=1

# Ninja's lines to a line each tenth; whatever else the build says goes through.
each_tenth() {
  local line shown=-1 tenth
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
      tenth=$((BASH_REMATCH[1] * 10 / BASH_REMATCH[2]))
      [[ $tenth -le $shown ]] && continue
      shown=$tenth
      say "  ${BASH_REMATCH[1]} of ${BASH_REMATCH[2]} steps"
    elif [[ $line != '-- '* && $line != 'ninja: Entering'* ]]; then
      printf '%s\n' "$line"
    fi
  done
}

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1 folder=build/$1
  shift
  case "$preset" in
    debug | check | release | tsan | fuzz) ;;
    *) fail "build: unknown preset '$preset'" "take one of: debug check release tsan fuzz" ;;
  esac
  if [[ ! -f $folder/build.ninja ]]; then
    say "configuring $folder"
    quietly "configure-$preset" cmake --preset "$preset" ||
      fail "cmake failed" "see the lines above, or build/logs/configure-$preset.log"
  fi
  say "building $folder${*:+: $*}"
  if [[ -t 1 ]]; then
    NINJA_STATUS='[%f/%t %es] ' ninja -C "$folder" -j "$(nproc)" "$@"
  else
    ninja -C "$folder" -j "$(nproc)" "$@" | each_tenth
  fi || fail "the build failed" "see the first error above"
  say "built $folder"
}
