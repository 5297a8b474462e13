# shellcheck shell=bash
# Part of ./dev: saying what is done, and installing what is missing.

say() { printf '[%4d s] %s\n' "$SECONDS" "$*" >&2; }

# fail WHAT WHAT-TO-DO
fail() {
  printf 'dev: %s\n  %s\n' "$1" "$2" >&2
  exit 1
}

# Runs a command with its output in a file, which is shown only if the command fails.
quietly() {
  local log=build/logs/$1.log
  shift
  mkdir -p build/logs
  if ! "$@" >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    return 1
  fi
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  else
    sudo "$@"
  fi
}

list_of() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@"; }

# Packages of the lists that are not installed. Asks only the local database.
missing_packages() {
  local installed
  # shellcheck disable=SC2016 # the fields are dpkg-query's
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 == "ii" { print $2 }')
  list_of "$@" | grep -vxF -f <(printf '%s\n' "$installed") || true
}

# need_packages LIST...
need_packages() {
  command -v dpkg-query >/dev/null || fail "needs Debian 12 (there is no dpkg-query here)" \
    "install by other means what tools/packages.txt names"
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] && return
  if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
    fail "needs packages, and there is no sudo" "as root: apt-get install ${missing[*]}"
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  quietly apt-update as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q ||
    fail "apt-get update failed" "see the lines above; is the network there?"
  quietly apt-install as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qy --no-install-recommends "${missing[@]}" ||
    fail "apt-get install failed" "see the lines above, or build/logs/apt-install.log"
}

# need_python REQUIREMENTS...: a virtual environment in .venv that has them.
need_python() {
  local mark
  mark=.venv/installed-$(cat "$@" | sha256sum | cut -c 1-16)
  [[ -e $mark ]] && return
  if [[ ! -x .venv/bin/python ]]; then
    say "making the Python environment .venv"
    quietly venv /usr/bin/python3 -m venv .venv ||
      fail "could not make .venv" "see the lines above; remove .venv and try again"
  fi
  say "installing Python packages: $(list_of "$@" | paste -sd ' ')"
  local arguments=() file
  for file in "$@"; do arguments+=(-r "$file"); done
  quietly pip .venv/bin/python -m pip install --quiet --disable-pip-version-check \
    "${arguments[@]}" || fail "pip failed" "see the lines above, or build/logs/pip.log"
  touch "$mark"
}
