# shellcheck shell=bash
# What the steps share. Messages in here are constants: a name from a manifest could be a command to the runner.

fail() {
  printf '::error title=reconciler::%s\n' "$1"
  exit 64
}

notice() { printf '::notice title=reconciler::%s\n' "$1"; }
warning() { printf '::warning title=reconciler::%s\n' "$1"; }
output() { printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"; }
summarise() { cat "$1" >>"$GITHUB_STEP_SUMMARY"; }

# A value of a JSON file by its path, as in `value event.json pull_request.head.repo.full_name`; empty where there is none.
value() {
  python3 -I - "$1" "$2" <<'PY'
import json, re, sys
with open(sys.argv[1], encoding="utf-8") as file:
    found = json.load(file)
for key in sys.argv[2].split("."):
    found = found.get(key) if isinstance(found, dict) else None
text = str(found) if isinstance(found, str | int) else ""
print(text if re.fullmatch(r"[\w./-]*", text, re.ASCII) else "")
PY
}

has_credentials() {
  [[ -n "${DT_CLIENT_ID:-}${DT_CLIENT_ID_FILE:-}" && -n "${DT_CLIENT_SECRET:-}${DT_CLIENT_SECRET_FILE:-}" ]]
}

is_pull_request() { [[ "$GITHUB_EVENT_NAME" == pull_request ]]; }

# Forks and Dependabot: GitHub gives their runs neither secrets nor a token that writes.
is_stranger() {
  is_pull_request || return 1
  [[ "${GITHUB_ACTOR:-}" != "dependabot[bot]" ]] || return 0
  [[ "$(value "$GITHUB_EVENT_PATH" pull_request.head.repo.full_name)" != "$GITHUB_REPOSITORY" ]]
}

# Shows a report in the log. The runner takes no commands meanwhile.
show_report() {
  local token
  token=$(python3 -I -c 'import secrets; print(secrets.token_hex(16))')
  printf '::stop-commands::%s\n' "$token"
  cat "$1"
  printf '\n::%s::\n' "$token"
}

# Writes the comment of this project under the pull request, or rewrites it.
comment() {
  [[ "$INPUT_COMMENT" == true ]] && is_pull_request || return 0
  if is_stranger; then
    notice "no comment: runs for forks and Dependabot may not write one. The report is on the run's summary page"
    return 0
  fi
  reconciler ci comment "$1" --as "plan $post_name" ||
    warning "the comment could not be written; the report is on the run's summary page. See the log"
}

# Where the branch takes no push, the ledger that waits in a request of its own; else nothing.
take_ledger() {
  reconciler ci ledger --take "${project[@]}" ||
    fail "the ledger that waits to be merged could not be read. The log says why"
}

# What is neither, as `True`, would switch off what it was to keep on.
for input in HOLD_CONFLICTS STRICT REVIEWED COMMENT COMMIT_LEDGER CACHE ISSUE FAIL_ON_DRIFT ALLOW_FLOOR_JUMP; do
  variable="INPUT_$input"
  [[ "${!variable}" == true || "${!variable}" == false ]] ||
    fail "the inputs hold-conflicts, strict, reviewed, comment, commit-ledger, cache, issue, fail-on-drift and allow-floor-jump are true or false"
done

# Everything runs outside of the checkout, and what it leaves is there, too.
work=$(cd -- "$INPUT_WORKING_DIRECTORY" && pwd) || fail "the input working-directory is no folder of the checkout"
folder="$RUNNER_TEMP/reconciler"
mkdir -p "$folder"
cd -- "$folder"

project=(--project "$(project_folder)")
[[ -z "$INPUT_PLAN_FILE" ]] || INPUT_PLAN_FILE=$(whole_path "$INPUT_PLAN_FILE")

# What an account is read with, and what a plan may do.
reading=("${project[@]}")
[[ -z "$INPUT_PARALLELISM" ]] || reading+=(--parallelism "$INPUT_PARALLELISM")
only=()
while IFS= read -r glob; do
  [[ -z "${glob//[[:space:]]/}" ]] || only+=(--only "$glob")
done <<<"$INPUT_ONLY"
limits=()
[[ -z "$INPUT_MAX_DELETES" ]] || limits+=(--max-deletes "$INPUT_MAX_DELETES")
[[ "$INPUT_ALLOW_FLOOR_JUMP" != true ]] || limits+=(--allow-floor-jump)
conflicts=()
[[ "$INPUT_HOLD_CONFLICTS" != true ]] || conflicts=(--hold-conflicts)
strict=()
[[ "$INPUT_STRICT" != true ]] || strict=(--strict)

# By this name a project's comment and issue are found again, whichever report they hold.
# shellcheck disable=SC2034  # plan and drift use it
post_name="$INPUT_WORKING_DIRECTORY|$INPUT_PROJECT|$INPUT_COMMENT_KEY"
