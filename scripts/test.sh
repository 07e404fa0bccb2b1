#!/usr/bin/env bash
# Installs what is missing, builds everything and runs every test. Arguments are passed on to ctest:
#   scripts/test.sh -L unit     # no end-to-end tests
#   scripts/test.sh -R prompt   # one folder
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install_packages build run test e2e
configure_in build -DCMAKE_BUILD_TYPE=Release -DSPYHOP_TESTS=ON
build_in build
exec ctest --test-dir "$root/build" --output-on-failure "$@"
