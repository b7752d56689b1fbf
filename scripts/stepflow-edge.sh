#!/bin/sh
# Starts the command line on the Node that came with the package, else on the one of the system.
set -eu

self=$(readlink -f "$0")
root=$(dirname "$(dirname "$self")")

case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) arch=none ;;
esac

node=
# Beside this package when it was installed as a dependency, below it in a clone.
for candidate in "$root/node_modules/node-linux-$arch/bin/node" "$root/../node-linux-$arch/bin/node"; do
  if [ -x "$candidate" ]; then
    node=$candidate
    break
  fi
done

if [ -z "$node" ]; then
  node=$(command -v node) || {
    echo "stepflow-edge: no Node found; install Node 24.15 or later (64-bit)" >&2
    exit 1
  }
  # An older Node cannot even read the program's first file, so it is refused here.
  "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 24 || (a === 24 && b >= 15) ? 0 : 1)' || {
    echo "stepflow-edge: Node $("$node" --version) at $node is too old; install Node 24.15 or later" >&2
    exit 1
  }
fi

# The sources in a clone, even beside an older build; a package holds only the build.
main=$root/daemon/main.ts
[ -f "$main" ] || main=$root/dist/daemon/main.js

# Compiled code is kept, so that a start need neither strip types nor compile again: half the time, 40 MB less.
# Only in folders that nobody else may write: whoever can write there can run code as the daemon.
if [ -z "${NODE_COMPILE_CACHE:-}" ]; then
  if [ -n "${STATE_DIRECTORY:-}" ]; then
    export NODE_COMPILE_CACHE="$STATE_DIRECTORY/compile-cache"
  elif [ -d "$root/node_modules" ] && [ -w "$root/node_modules" ]; then
    export NODE_COMPILE_CACHE="$root/node_modules/.cache/compile"
  fi
fi

# A dozen threads would each keep free memory of their own: 50 MB while forwarding.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"

# Messages die young in 8 MB, which is there from the start, so that loading is not interrupted by collections; scavenging on one thread costs less CPU than sharing the work; a heap that grows slowly stays small;
# what starting has left behind is collected once.
exec "$node" --max-semi-space-size=8 --min-semi-space-size=8 --no-parallel-scavenge --heap-growing-percent=50 --expose-gc "$main" "$@"
