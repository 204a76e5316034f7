#!/usr/bin/env bash
# Installs the command into an environment of its own and puts it on the PATH of the steps that follow.
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=kits/github/isolate.sh
source "$here/isolate.sh"

extra="[policies]"
[[ -z "${RECONCILER_STORE:-}${RECONCILER_STORE_FILE:-}" ]] || extra="[policies,postgres]"

if [[ -n "${INPUT_INSTALL:-}" ]]; then
  what=$INPUT_INSTALL
elif [[ "${INPUT_VERSION:-}" =~ ^[0-9] ]]; then
  what="waterfall-reconciler$extra==$INPUT_VERSION"
elif [[ -n "${INPUT_VERSION:-}" ]]; then
  what="waterfall-reconciler$extra$INPUT_VERSION"
else
  what="$GITHUB_ACTION_PATH$extra"
fi
[[ "$what" != -* ]] || { echo "::error title=reconciler::install is a package, not an option of pip"; exit 64; }

# Away from the checkout: a folder of the checkout is installed only where it is named as a path.
[[ "$what" != . && "$what" != ./* && "$what" != ../* ]] || what="$PWD/$what"
cd -- "$RUNNER_TEMP"

place="$RUNNER_TEMP/reconciler-venv"
python3 -I -m venv "$place"
"$place/bin/python" -I -m pip install --quiet --disable-pip-version-check "$what"
echo "$place/bin" >>"$GITHUB_PATH"
