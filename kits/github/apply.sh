# shellcheck shell=bash
# Applies: a saved plan, or a new one. The ledger is kept even where the apply ended half way.

[[ "$GITHUB_EVENT_NAME" != pull_request* ]] || fail "apply is not for pull requests: run it when they are merged"
has_credentials || fail "DT_CLIENT_ID and DT_CLIENT_SECRET are not set: give them to this step under env"

report="$folder/apply.md"
saved=()
[[ -z "$INPUT_PLAN_FILE" ]] || saved=(-- "$INPUT_PLAN_FILE")
code=0
reconciler apply --yes --format markdown "${reading[@]}" "${only[@]}" "${limits[@]}" "${saved[@]}" >"$report" || code=$?
if [[ ! -s "$report" ]]; then
  echo "**Nothing was applied** (exit code $code). The run's log says why." >"$report"
fi
summarise "$report"
output report-file "$report"
output exit-code "$code"

kept=0
if [[ "$INPUT_COMMIT_LEDGER" == true ]]; then
  reconciler ci ledger "${project[@]}" || kept=$?
fi
case "$code" in
  0) ;;
  3) printf '::error title=reconciler::Applied in part. Run the job again: what is done stays done.\n' ;;
  4) printf '::error title=reconciler::The saved plan is stale. Make a new one.\n' ;;
  5) printf '::error title=reconciler::Another run is at work. Run the job again when it has ended.\n' ;;
  6) printf '::error title=reconciler::A safety limit or policy refuses this plan. The log names the switch.\n' ;;
  *) printf '::error title=reconciler::The apply failed. The log says why.\n' ;;
esac
((code == 0)) || exit "$code"
exit "$kept"
