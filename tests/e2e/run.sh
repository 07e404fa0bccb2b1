#!/usr/bin/env bash
# run.sh SOURCE_DIR PROGRAM FOLDER [TESTS]: the end-to-end tests, or those of the folder tests/TESTS with the help of what those
# share, with their packages installed into FOLDER, never into the sources.
set -euo pipefail
source_dir=$1
program=$2
folder=$3
tests=$source_dir/tests/${4:-e2e}
options=()

fail() {
  printf 'e2e: %s\n' "$*" >&2
  exit 1
}

for tool in node npm curl; do
  command -v "$tool" >/dev/null || fail "$tool is needed; scripts/test.sh installs it"
done
[ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || fail "node $(node --version) is too old; at least 18 is needed"
[ -x "$program" ] || fail "no program at $program; build it first"

mkdir -p "$folder"
cd "$folder"
find . -maxdepth 1 -name '*.mjs' -delete
rm -rf schemas
cp -r "$source_dir"/tests/e2e/schemas .
cp "$source_dir"/tests/e2e/*.mjs .
if [ "$tests" != "$source_dir/tests/e2e" ]; then
  options=(--test-concurrency=2)  # they wait for browsers more than they compute
  rm -f ./*.test.mjs
  cp "$tests"/*.mjs .
fi
cp "$tests"/package.json "$tests"/package-lock.json .
if ! cmp -s package-lock.json installed-lock.json; then
  npm ci --no-audit --no-fund
  cp package-lock.json installed-lock.json
fi
SPYHOP_SOURCE_DIR=$source_dir SPYHOP_BINARY=$program exec node --test "${options[@]}"
