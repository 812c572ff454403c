#!/usr/bin/env bash
# Starts Flywheel on this machine; see --help. Installs the packages of the lock file when they are missing or changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v node >/dev/null || ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 20) ? 0 : 1)'; then
  echo "temporal-dev.sh: expected Node.js 20.20 or newer, got $(node --version 2>/dev/null || echo none). Install it from your package manager and start again." >&2
  exit 1
fi
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing packages (npm ci), about a minute …" >&2
  npm ci --no-fund --no-audit >&2
  touch node_modules/.package-lock.json
fi
exec node --import tsx cli/dev/main.ts "$@"
