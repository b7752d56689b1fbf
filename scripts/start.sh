#!/bin/sh
# From a fresh clone to a running gateway: installs what is missing, then runs the demonstration in the foreground.
set -eu
cd "$(dirname "$0")/.."

scripts/bootstrap.sh
exec scripts/stepflow-edge.sh run -c config/demo.yaml "$@"
