#!/usr/bin/env bash
# The step of action.yml. What to do comes in INPUT_* variables, what happened in the runner's (GITHUB_*).
set -euo pipefail

here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck source=kits/github/isolate.sh
source "$here/isolate.sh"
# shellcheck source=kits/github/place.sh
source "$here/place.sh"
# shellcheck source=kits/github/around.sh
source "$here/around.sh"

# A pull request's own manifests would be read with the credentials and the write token of the branch it goes to.
[[ "$GITHUB_EVENT_NAME" != pull_request_target ]] || fail "pull_request_target is refused: use pull_request"

case "${INPUT_COMMAND:-}" in
  validate)
    # shellcheck source=kits/github/validate.sh
    source "$here/validate.sh" ;;
  plan)
    # shellcheck source=kits/github/plan.sh
    source "$here/plan.sh" ;;
  apply)
    # shellcheck source=kits/github/apply.sh
    source "$here/apply.sh" ;;
  drift)
    # shellcheck source=kits/github/drift.sh
    source "$here/drift.sh" ;;
  *) fail "the input command is validate, plan, apply or drift" ;;
esac
