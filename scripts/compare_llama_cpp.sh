#!/usr/bin/env bash
# Measures `spyhop bench throughput` and llama.cpp in turns, on random weights of deepseek-vl2-tiny's language model:
#   scripts/compare_llama_cpp.sh                      # bf16, int8 and int4 beside bf16, q8_0 and q4_0
#   scripts/compare_llama_cpp.sh --formats int4 --pairs 3
# Options: --formats LIST (bf16,int8,int4), --threads N (2), --pairs N (7), --batches LIST (1,16), --prefill N (512), --decode N (64),
# --cache FOLDER (build/llama_cpp: libraries and models, up to 9.5 GB), --json (a report per format).
# Each pair is ours, then theirs, right after the other; around it stands what a plain read of memory gave, since the bandwidth of
# a shared machine changes by itself. llama.cpp is what npm has prebuilt for node-llama-cpp; both sides generate with independent
# random tokens for every sequence. Needs the program that scripts/run.sh builds, and python3; installs Node.js if there is none.

# shellcheck source=scripts/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

package=@node-llama-cpp/linux-x64@3.22.1 # the libraries of node-llama-cpp 3.22.1 alone
formats=bf16,int8,int4
threads=2
pairs=7
batches=1,16
prefill=512
steps=64
cache=$root/build/llama_cpp
json=()

while [ $# -gt 0 ]; do
  case $1 in
    --json)
      json=(--json)
      shift
      continue
      ;;
    --help | -h)
      sed -n '2,/^$/s/^# //p' "${BASH_SOURCE[0]}"
      exit 0
      ;;
  esac
  [ $# -ge 2 ] || fail "$1 needs a value"
  case $1 in
    --formats) formats=$2 ;;
    --threads) threads=$2 ;;
    --pairs) pairs=$2 ;;
    --batches) batches=$2 ;;
    --prefill) prefill=$2 ;;
    --decode) steps=$2 ;;
    --cache) cache=$2 ;;
    *) fail "unknown option $1; allowed: --formats, --threads, --pairs, --batches, --prefill, --decode, --cache, --json" ;;
  esac
  shift 2
done

program=$root/build/spyhop
[ -x "$program" ] || fail "no program at $program; scripts/run.sh builds it"
[ "$(uname -m)" = x86_64 ] || fail "the prebuilt libraries are for x86_64, this machine is $(uname -m)"
install_packages build e2e
command -v python3 >/dev/null || fail "python3 is needed"

libraries=$cache/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64
mkdir -p "$cache"
if [ ! -d "$libraries" ]; then
  say "installing $package into $cache"
  npm install --prefix "$cache" --ignore-scripts --no-audit --no-fund "$package" >&2
fi
driver=$cache/driver
if [ "$root/scripts/compare_llama_cpp_driver.cpp" -nt "$driver" ]; then
  g++ -std=c++17 -O2 -Wall -Wextra "$root/scripts/compare_llama_cpp_driver.cpp" -o "$driver" -ldl
fi

# model_of TYPE: the path of a model with weights of that type, written if need be.
model_of() {
  local path=$cache/tiny-$1.gguf
  if [ "$root/scripts/compare_llama_cpp_gguf.py" -nt "$path" ]; then
    say "writing $path"
    python3 "$root/scripts/compare_llama_cpp_gguf.py" "$1" "$path"
  fi
  printf '%s\n' "$path"
}

# largest NUMBER,...: the largest of them.
largest() { tr ',' '\n' <<<"$1" | sort -n | tail -1; }

declare -A rival_type=([bf16]=bf16 [int8]=q8_0 [int4]=q4_0)
declare -A quantization=([bf16]=none [int8]=int8 [int4]=int4)
for format in ${formats//,/ }; do
  type=${rival_type[$format]-}
  [ -n "$type" ] || fail "unknown format '$format'; allowed: bf16, int8, int4"
  model=$(model_of "$type")
  say "$format beside llama.cpp's $type, $threads threads"
  # A sequence holds the prompt, or a few tokens and the steps.
  each=$((prefill > steps + 64 ? prefill : steps + 64))
  "$program" bench throughput --size-in-billions 3 --quantization "${quantization[$format]}" --threads "$threads" \
    --pairs "$pairs" --prefill "$prefill" --decode "$steps" --batch "$batches" "${json[@]}" \
    --rival "'$driver' '$libraries' '$model' $threads $(largest "$batches") $each"
done
