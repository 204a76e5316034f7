#!/usr/bin/env bash
# Finds the file in which a run remembers what manifests were read as, for the steps that take and keep it; without a key there
# is none. What came with the checkout is no cache of ours, whoever sealed it.
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=kits/github/isolate.sh
source "$here/isolate.sh"
# shellcheck source=kits/github/place.sh
source "$here/place.sh"

# The run itself says what is wrong with it.
work=$(cd -- "$INPUT_WORKING_DIRECTORY" && pwd) || exit 0
file="$(project_folder)/.reconciler/cache/portable"
rm -rf -- "$file"

if [[ "$INPUT_CACHE" == true && -n "${RECONCILER_CACHE_KEY:-}${RECONCILER_CACHE_KEY_FILE:-}" ]]; then
  # From the root of the checkout: the path is part of what a cache is found by. Applies may have a key of their own, and so
  # have a cache of their own.
  name=reconciler-loads-plan
  [[ "$INPUT_COMMAND" != apply ]] || name=reconciler-loads-apply
  printf '%s\n' "file=${file#"${GITHUB_WORKSPACE:-$PWD}/"}" "name=$name" >>"$GITHUB_OUTPUT"
fi
