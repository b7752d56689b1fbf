#!/bin/sh
# From a fresh clone to tested: installs what is missing, real servers included. Arguments go to vitest.
set -eu
cd "$(dirname "$0")/.."

scripts/bootstrap.sh
scripts/install-test-servers.sh
# npx puts the project's own Node first, whatever the shell has.
exec npx --no-install vitest run "$@"
