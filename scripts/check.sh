#!/bin/sh
# Types, lint, format, unused code, generated files in step. Every one runs, so that one call shows everything.
set -u
cd "$(dirname "$0")/.." || exit 1

scripts/bootstrap.sh || exit 1
failed=0
run() {
  echo "== $*"
  npx --no-install "$@" || failed=1
}
run tsc --noEmit
run oxlint --type-aware --deny-warnings daemon scripts test
run oxfmt --check .
run knip
run node scripts/generate-config-docs.ts --check
run node scripts/generate-x-bridge-schema.ts --check
run node scripts/generate-api-docs.ts --check
exit "$failed"
