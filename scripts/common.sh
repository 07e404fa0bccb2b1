# shellcheck shell=bash
# Shared by run.sh, test.sh, dev.sh and the Dockerfile: packages, configuring, building. Sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
minimum_node=18

say() { printf '==> %s\n' "$*" >&2; }

fail() {
  printf 'spyhop: %s\n' "$*" >&2
  exit 1
}

# Prints the packages of the groups named.
packages_of() {
  local group
  for group in "$@"; do
    awk -v group="$group" '$1 == group { print $2; found = 1 } END { exit !found }' "$root/scripts/packages.txt" ||
      fail "scripts/packages.txt has no group '$group'"
  done
}

# Whether a Node.js that the tests can use, with npm, is on the PATH: it need not come from Debian.
has_node() {
  command -v npm >/dev/null && [ "$(node -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0)" -ge "$minimum_node" ]
}

is_installed() {
  case $1 in
    nodejs | npm) has_node && return ;;
  esac
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Runs a command as root.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

# Installs those packages of the groups named that are missing; touches neither network nor root rights when none is.
install_packages() {
  local package missing=()
  command -v dpkg-query >/dev/null ||
    fail "this is not Debian; install what scripts/packages.txt names and build with cmake, see README.md"
  for package in $(packages_of "$@"); do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    fail "packages are missing, and neither root nor sudo to install them; as root:" \
      "apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null >&2
}

# How many compilers fit: one per core, and no more than one per 1.5 GB of memory, which a file with ATen's headers takes.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo)
  [ "$memory" -ge 1 ] || memory=1
  echo $((cores < memory ? cores : memory))
}

# configure_in FOLDER [cmake argument...]
configure_in() {
  local folder=$1
  shift
  cmake -S "$root" -B "$root/$folder" -G Ninja "$@" >&2
}

# build_in FOLDER [target...]
build_in() {
  local folder=$1
  shift
  ninja -C "$root/$folder" -j "$(build_jobs)" "$@" >&2
}
