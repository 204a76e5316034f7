# shellcheck shell=bash
# Applies: a saved plan, or a new one that holds no more than what was reviewed. The ledger is kept even where the apply
# ended half way, and what came of it is told under the pull request.

case "$GITHUB_EVENT_NAME" in
  pull_request* | merge_group) fail "apply is not for pull requests and merge queues: run it when they are merged" ;;
esac
has_credentials || fail "DT_CLIENT_ID and DT_CLIENT_SECRET are not set: give them to this step under env"

report="$folder/apply.md"
requests=()
held=()
saved=()
if [[ -n "$INPUT_PLAN_FILE" ]]; then
  saved=(-- "$INPUT_PLAN_FILE")
  conflicts=()
elif [[ "$INPUT_REVIEWED" == true ]]; then
  reviewed="$folder/reviewed.txt"
  numbers="$folder/requests.txt"
  if ! reconciler ci reviewed --out "$reviewed" --as "plan $post_name" --direct-push "$INPUT_DIRECT_PUSH" \
    "${project[@]}" >"$numbers"; then
    printf '::error title=reconciler::Nothing was applied: what was reviewed could not be found out. The log says why.\n'
    output exit-code 1
    exit 1
  fi
  mapfile -t requests <"$numbers"
  held=(--reviewed "$reviewed")
fi

take_ledger
# Where the step after this one finds the journal, and by which name it is kept beside those of other projects of this run.
output state-folder "$(project_folder)/.reconciler"
output state-name "$(printf '%s' "$post_name" | sha256sum | cut -c 1-8)-${GITHUB_RUN_ATTEMPT:-1}"
code=0
reconciler apply --yes --format markdown "${reading[@]}" "${only[@]}" "${limits[@]}" "${conflicts[@]}" "${held[@]}" \
  "${saved[@]}" >"$report" || code=$?
if [[ ! -s "$report" ]]; then
  echo "**Nothing was applied** (exit code $code). The run's log says why." >"$report"
fi
summarise "$report"
output report-file "$report"
output exit-code "$code"

kept=0
if [[ "$INPUT_COMMIT_LEDGER" == true ]]; then
  GITHUB_TOKEN="${INPUT_LEDGER_TOKEN:-$GITHUB_TOKEN}" reconciler ci ledger "${project[@]}" || kept=$?
fi
if ((${#requests[@]})); then
  if [[ "$INPUT_COMMENT" == true ]]; then
    reconciler ci comment "$report" --as "apply $post_name" --number "${requests[0]}" ||
      warning "the comment could not be written; the report is on the run's summary page. See the log"
  fi
  # A review counts once. What is changed back in the account afterwards has to be looked at again.
  reconciler ci reviewed --applied --result "$report" --as "plan $post_name" "${requests[@]/#/--number=}" ||
    warning "the plan's comment could not be marked as applied, and still counts as reviewed. See the log"
fi
case "$code" in
  0) ;;
  3) printf '::error title=reconciler::Applied in part. Run the job again: what is done stays done.\n' ;;
  4) if ((${#held[@]})); then
    printf '::error title=reconciler::Not all of it was reviewed, so nothing was applied. Have a new plan reviewed.\n'
  else
    printf '::error title=reconciler::The saved plan is stale. Make a new one.\n'
  fi ;;
  5) printf '::error title=reconciler::Another run is at work. Run the job again when it has ended.\n' ;;
  6) printf '::error title=reconciler::A safety limit or policy refuses this plan. The log names the switch.\n' ;;
  *) printf '::error title=reconciler::The apply failed. The log says why.\n' ;;
esac
((code == 0)) || exit "$code"
exit "$kept"
