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
rm -rf "$demo/studio" "$demo"/sandbox.* "$demo/repair.json"
cp -R "$examples/studio" "$demo/studio"
cd "$demo/studio"

reconciler sandbox --port 0 --seed demo >"$demo/sandbox.url" 2>"$demo/sandbox.log" &
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null; wait "$sandbox" 2>/dev/null || true' EXIT
for _ in $(seq 300); do
  [ -s "$demo/sandbox.url" ] && break
  kill -0 "$sandbox" 2>/dev/null || break
  sleep 0.1
done
DT_MANAGEMENT_URL=$(head -n 1 "$demo/sandbox.url")
[ -n "$DT_MANAGEMENT_URL" ] || fail "the sandbox did not start: $(cat "$demo/sandbox.log")"
export DT_MANAGEMENT_URL DT_CLIENT_ID=demo DT_CLIENT_SECRET=demo
unset RECONCILER_STORE DT_CLIENT_ID_FILE DT_CLIENT_SECRET_FILE
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
