#!/usr/bin/env bash
# Installs what is missing, builds, and serves a model on http://127.0.0.1:9997. Arguments are passed on to `spyhop launch`:
#   scripts/run.sh --model-path /data/deepseek-vl2-tiny --host 0.0.0.0
# Without --model-path it serves a miniature checkpoint with random weights: its answers are no sentences.
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

demo_name=mini-tiny
demo_path=$root/tests/golden/mini-tiny/checkpoint

# value_of FLAG DEFAULT ARGUMENT...: what the last `FLAG value` or `FLAG=value` among the arguments says.
value_of() {
  local flag=$1 value=$2
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      "$flag"=*) value=${1#*=} ;;
      "$flag") value=${2-} ;;
    esac
    shift
  done
  printf '%s\n' "$value"
}

install_packages build run
if [ -f "$root/build/CMakeCache.txt" ]; then
  configure_in build -DCMAKE_BUILD_TYPE=Release
else
  configure_in build -DCMAKE_BUILD_TYPE=Release -DSPYHOP_TESTS=OFF
fi
build_in build spyhop

path=$(value_of --model-path "" "$@")
if [ -z "$path" ]; then
  path=$demo_path
  [ -n "$(value_of --model-name "" "$@")" ] || set -- --model-name "$demo_name" "$@"
  set -- --model-path "$path" "$@"
fi
host=$(value_of --host 127.0.0.1 "$@")
[ "$host" != 0.0.0.0 ] || host=127.0.0.1
name=$(value_of --model-name "$(basename "$path")" "$@")
cat >&2 <<TEXT

When it listens, ask it something:

  curl -s http://$host:$(value_of --port 9997 "$@")/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{"model": "$name", "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 24}'

TEXT
exec "$root/build/spyhop" launch "$@"
