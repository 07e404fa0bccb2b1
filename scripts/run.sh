#!/usr/bin/env bash
# Installs what is missing, builds, and serves a model on http://127.0.0.1:9997. Arguments are passed on to `spyhop launch`:
#   scripts/run.sh --model-path /data/deepseek-vl2-tiny --host 0.0.0.0
# Where neither a flag, a variable nor the file of --config says what, by a path or a size, it serves a miniature checkpoint with
# random weights: its answers are no sentences.
# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

demo_name=mini-tiny
demo_path=$root/tests/golden/mini-tiny/checkpoint

# setting NAME: its value as the arguments, variables and the file of --config have it; "null" for none.
setting() {
  awk -v key="\"$1\":" '$1 == key { getline; sub(/^ *"value": /, ""); sub(/,$/, ""); gsub(/^"|"$/, ""); print; exit }' <<<"$settings"
}

install_packages build run
if [ -f "$root/build/CMakeCache.txt" ]; then
  configure_in build -DCMAKE_BUILD_TYPE=Release
else
  configure_in build -DCMAKE_BUILD_TYPE=Release -DSPYHOP_TESTS=OFF
fi
build_in build spyhop

settings=$("$root/build/spyhop" config --json "$@")
path=$(setting model-path)
name=$(setting model-name)
if [ "$path$(setting size-in-billions)" = nullnull ]; then
  path=$demo_path
  set -- --model-path "$path" "$@"
  if [ "$name" = null ]; then
    name=$demo_name
    set -- --model-name "$name" "$@"
  fi
fi
[ "$name" != null ] || name=$(basename "$path")
host=$(setting host)
[ "$host" != 0.0.0.0 ] || host=127.0.0.1
cat >&2 <<TEXT

When it listens, open http://$host:$(setting port)/ in a browser, or ask it something:

  curl -s http://$host:$(setting port)/v1/chat/completions -H 'Content-Type: application/json' \\
    -d '{"model": "$name", "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 24}'

TEXT
exec "$root/build/spyhop" launch "$@"
