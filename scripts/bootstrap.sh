#!/bin/sh
# Installs the npm packages when package-lock.json changed since the last time. No package's script is run.
set -eu
cd "$(dirname "$0")/.."

stamp=node_modules/.package-lock.sha256
hash=$(sha256sum package-lock.json | cut -d' ' -f1)
is_installed() { [ "$(cat "$stamp" 2>/dev/null || true)" = "$hash" ]; }

is_installed && exit 0
command -v npm >/dev/null || { echo 'npm is missing: install Node.js with npm first.' >&2; exit 1; }

# Beside node_modules, not in it: npm ci empties that folder.
mkdir -p .cache
exec 9>.cache/bootstrap.lock
flock 9
is_installed && exit 0
npm ci --ignore-scripts --no-audit --no-fund
echo "$hash" >"$stamp"
