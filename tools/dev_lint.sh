# shellcheck shell=bash
# Part of ./dev: format, clang-tidy, layering, spelling, shell scripts.

# Data of others, files that are no text, and tests, which misspell on purpose.
SPELLING_SKIPS='^(tests/(vectors|fuzz/corpus)|examples/[^/]+/(data|models))/|_test[.]cc$|[.]svg$'

# Files with these endings that differ from where this branch left main, or from the last commit.
changed_files() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || true)
  if [[ -z $base || $base == "$(git rev-parse HEAD)" ]]; then
    base=$(git rev-parse --verify --quiet HEAD~1 || git rev-parse HEAD)
  fi
  {
    git diff --name-only --diff-filter=d "$base" -- "$@"
    git ls-files --others --exclude-standard -- "$@"
  } | sort -u
}

fmt() {
  need_packages tools/packages-lint.txt
  local files
  mapfile -t files < <(changed_files '*.cc' '*.h')
  [[ ${#files[@]} -eq 0 ]] && { say "nothing changed"; return; }
  clang-format-19 -i "${files[@]}"
  say "formatted ${#files[@]} files"
}

lint() {
  need_packages tools/packages.txt tools/packages-lint.txt
  need_python tools/requirements.txt tools/requirements-lint.txt
  local failed=() files scripts
  mapfile -t files < <(changed_files '*.cc' '*.h')
  if [[ ${#files[@]} -gt 0 ]]; then
    say "format of ${#files[@]} changed files"
    clang-format-19 --dry-run -Werror "${files[@]}" || failed+=("format (./dev fmt puts it right)")
    tidy "${files[@]}" || failed+=(clang-tidy)
  fi
  say "layering and lengths"
  .venv/bin/python tests/house/house.py rules || failed+=(house)
  say "Python"
  .venv/bin/ruff check --quiet . || failed+=(ruff)
  say "spelling"
  git ls-files -z --cached --others --exclude-standard | grep -zvE "$SPELLING_SKIPS" |
    xargs -0 codespell --ignore-words tools/codespell-words.txt ||
    failed+=("spelling (words to accept: tools/codespell-words.txt)")
  say "shell scripts"
  mapfile -t scripts < <(git ls-files --cached --others --exclude-standard |
    grep -E '\.sh$|^dev$|^\.ci/run$')
  shellcheck -x "${scripts[@]}" || failed+=(shellcheck)
  [[ ${#failed[@]} -eq 0 ]] || fail "lint: ${failed[*]}" "see the lines above"
  say "lint: nothing to say"
}

# clang-tidy on the changed sources that the debug build knows.
tidy() {
  local sources
  mapfile -t sources < <(printf '%s\n' "$@" | grep -E '^(src|bench|tests)/.*\.cc$' || true)
  [[ ${#sources[@]} -eq 0 ]] && return
  if [[ ! -f build/tidy/compile_commands.json ]]; then
    quietly configure-tidy cmake -S . -B build/tidy -G Ninja -DCMAKE_CXX_COMPILER=g++-12 \
      -DCMAKE_BUILD_TYPE=None -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON || return 1
  fi
  say "clang-tidy on ${#sources[@]} changed sources"
  printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-19 --quiet -p build/tidy \
    --extra-arg=-include --extra-arg="$ROOT/cmake/pch.h" \
    --extra-arg=-Wno-unknown-warning-option 2> >(grep -vE "^[0-9]+ warnings" >&2)
}
