#!/usr/bin/env bash
# A developer's verbs; each installs what it needs.
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage() {
  cat <<'TEXT'
Usage: scripts/dev.sh VERB [argument...]

  build [target...]   the release build, in build/; the program is build/spyhop
  test [ctest...]     builds and runs all tests, as scripts/test.sh
  e2e                 builds the program and runs the end-to-end tests alone
  asan [ctest...]     unit tests under AddressSanitizer and UndefinedBehaviorSanitizer, in build-asan/
  tsan [ctest...]     unit tests under ThreadSanitizer, in build-tsan/
  format [--check]    clang-format over src, include and tests; --check only tells
  tidy [file...]      clang-tidy over these sources, or over all of src
  layers              the include rule and file lengths
  lint                shellcheck over the scripts
  bench [argument...] builds and runs `spyhop bench`
TEXT
}

# sanitize KIND FOLDER [ctest argument...]
sanitize() {
  local kind=$1 folder=$2
  shift 2
  install_packages build test
  configure_in "$folder" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DSPYHOP_SANITIZE="$kind" -DSPYHOP_TESTS=ON
  build_in "$folder"
  ctest --test-dir "$root/$folder" --output-on-failure -L unit "$@"
}

# The release build with its tests configured; what is built is the caller's choice.
release() {
  install_packages build test
  configure_in build -DCMAKE_BUILD_TYPE=Release -DSPYHOP_TESTS=ON
}

sources() {
  find "$root/src" "$root/include" "$root/tests" -type f \( -name '*.h' -o -name '*.cpp' \)
}

format() {
  local mode=(-i)
  [ "${1-}" != --check ] || mode=(--dry-run --Werror)
  install_packages format
  sources | xargs clang-format-14 "${mode[@]}"
}

# clang-tidy cannot read g++'s precompiled headers, so it gets a compile database without them.
tidy() {
  install_packages build tidy
  configure_in build-tidy -DSPYHOP_CXX_STANDARD=17 -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DSPYHOP_TESTS=OFF
  if [ $# -gt 0 ]; then
    printf '%s\n' "$@"
  else
    find "$root/src" -name '*.cpp'
  fi | xargs -P "$(build_jobs)" -n 4 clang-tidy-14 -p "$root/build-tidy" --quiet
}

[ $# -gt 0 ] || { usage >&2; exit 2; }
verb=$1
shift
case $verb in
  build)
    release
    build_in build "$@"
    ;;
  test) exec "$root/scripts/test.sh" "$@" ;;
  e2e)
    install_packages e2e
    release
    build_in build spyhop
    ctest --test-dir "$root/build" --output-on-failure -L e2e "$@"
    ;;
  asan) sanitize address build-asan "$@" ;;
  tsan) sanitize thread build-tsan "$@" ;;
  format) format "$@" ;;
  tidy) tidy "$@" ;;
  layers)
    install_packages test
    python3 "$root/scripts/check_layers.py" "$root"
    ;;
  lint)
    install_packages lint
    cd "$root"
    shellcheck -x scripts/*.sh .ci/run
    ;;
  bench)
    release
    build_in build spyhop
    exec "$root/build/spyhop" bench "$@"
    ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    fail "no verb '$verb'"
    ;;
esac
