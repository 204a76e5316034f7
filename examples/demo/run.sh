#!/usr/bin/env bash
# The whole round, against a sandbox of its own: manifests in, a converged account out, somebody's change in the console
# found and undone. Needs `reconciler` and `python` on the PATH; `make demo` sees to that. Writes under .demo only,
# or under the folder named by the first argument.
set -euo pipefail

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
demo=${1:-$examples/../.demo}

fail() {
  echo "demo: $*" >&2
  exit 1
}

# step CODE COMMAND...: show the command, run it, insist on its exit code.
step() {
  local expected=$1 code=0
  shift
  printf '\n$ %s\n' "$*"
  "$@" || code=$?
  [ "$code" -eq "$expected" ] || fail "\`$*\` ended with $code instead of $expected"
}

mkdir -p "$demo"
demo=$(cd "$demo" && pwd)
rm -rf "$demo/studio" "$demo/repair.json"
cp -R "$examples/studio" "$demo/studio"
cd "$demo/studio"

unset RECONCILER_STORE RECONCILER_NOTIFY_URL DT_CLIENT_ID_FILE DT_CLIENT_SECRET_FILE
exports=$(reconciler sandbox --detach --port 0 --seed demo) || fail "the sandbox did not start"
eval "$exports"
trap 'reconciler sandbox --stop --port "${DT_MANAGEMENT_URL##*:}" >/dev/null 2>&1 || true' EXIT
echo "a sandbox account listens at $DT_MANAGEMENT_URL; the project is a copy of examples/studio"

step 0 reconciler validate
step 0 reconciler plan
step 0 reconciler apply --yes
step 0 reconciler plan --detailed-exitcode
step 0 reconciler drift

step 0 python "$examples/demo/console.py" com.example.harbordash level_end_high US 10
step 2 reconciler drift

step 0 reconciler plan --out ../repair.json
step 0 reconciler apply ../repair.json --yes
step 0 reconciler drift --since 1d
step 0 reconciler plan --detailed-exitcode
printf '\nThe account is as the manifests say.\n'
