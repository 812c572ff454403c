#!/usr/bin/env bash
# Starts Flywheel on this machine; see --help. Brings a fitting Node.js where there is only an older one, and installs the
# packages of the lock file when they are missing or changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

source tools/node.sh
use_fitting_node || exit 1
# A dozen programs are started, each of the same modules: what one compiled, the next start finds.
export NODE_COMPILE_CACHE="${NODE_COMPILE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/flywheel/compiled}"
# Nobody else may write what this user's programs run.
mkdir -p -m 700 "$NODE_COMPILE_CACHE" 2>/dev/null || unset NODE_COMPILE_CACHE
look=0
node demo/first-look/main.ts "$@" || look=$?
if [ "$look" -eq 2 ]; then exit 0; elif [ "$look" -ne 0 ]; then exit "$look"; fi
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing packages (npm ci), about a minute …" >&2
  npm ci --no-fund --no-audit --prefer-offline >&2
  touch node_modules/.package-lock.json
fi
# The console's pages, where there are none or older ones than their source: seconds. Without them all else works.
node tools/build-dashboard.ts --if-missing >&2 || echo "The console's pages could not be built; npm run dashboard says why." >&2
exec node demo/main.ts "$@"
