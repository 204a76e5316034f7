#!/usr/bin/env bash
# Installs the command into an environment of its own and puts it on the PATH of the steps that follow: what the input
# install pins, else the action's own commit, and what its lock names, held to their hashes. Nothing is resolved anew.
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=kits/github/isolate.sh
source "$here/isolate.sh"

refuse() {
  printf '::error title=reconciler::%s\n' "$1"
  exit 64
}

lock=run
[[ -z "${RECONCILER_STORE:-}${RECONCILER_STORE_FILE:-}" ]] || lock=run-postgres

what=${INPUT_INSTALL:-$GITHUB_ACTION_PATH}
[[ "$what" != -* ]] || refuse "install is a source, not an option of pip"

# Away from the checkout: a folder of the checkout is installed only where it is named as a path.
[[ "$what" != . && "$what" != ./* && "$what" != ../* ]] || what="$PWD/$what"
cd -- "$RUNNER_TEMP"

place="$RUNNER_TEMP/reconciler-venv"
python3 -I -m venv "$place"
add() { "$place/bin/python" -I -m pip install --quiet --disable-pip-version-check "$@"; }

if [[ "$what" =~ \.whl(#sha256=[0-9a-f]{64})?$ ]]; then
  [[ "$what" != *://* || "$what" == *#* ]] || refuse "install names a wheel without #sha256= and its 64 digits"
  add --no-deps --only-binary :all: "$what"
  locks=$(echo "$place"/lib/python3*/site-packages/reconciler/requirements)
  add --require-hashes --only-binary :all: -r "$locks/$lock.txt"
else
  if [[ "$what" =~ ^(git\+)?([a-z]+://.+)@([0-9a-f]{40})$ ]]; then
    rm -rf reconciler-source
    git init --quiet reconciler-source
    git -C reconciler-source remote add origin "${BASH_REMATCH[2]}"
    git -C reconciler-source fetch --quiet --depth 1 origin "${BASH_REMATCH[3]}"
    git -C reconciler-source checkout --quiet "${BASH_REMATCH[3]}"
    what="$PWD/reconciler-source"
  fi
  [[ -d "$what" ]] || refuse "install is none, a path, GIT-URL@COMMIT with 40 digits, or the URL of a wheel with #sha256="
  locks="$what/reconciler/requirements"
  add --require-hashes --only-binary :all: -r "$locks/build.txt" -r "$locks/$lock.txt"
  add --no-deps --no-build-isolation "$what"
fi
echo "$place/bin" >>"$GITHUB_PATH"
