# shellcheck shell=bash
# Plans: a file, a report under the pull request and on the summary page, annotations, numbers as outputs.

# shellcheck source=kits/github/validate.sh
source "$here/validate.sh"

if ! has_credentials; then
  is_stranger || fail "DT_CLIENT_ID and DT_CLIENT_SECRET are not set: give them to this step under env"
  told="The manifests are valid. Nothing was planned: runs for forks and Dependabot get no credentials."
  notice "$told"
  echo "$told" >>"$GITHUB_STEP_SUMMARY"
  output exit-code 0
  exit 0
fi

plan="${INPUT_PLAN_FILE:-$folder/plan.json}"
report="$folder/plan.md"
failing=()
[[ "$INPUT_FAIL_ON" == none ]] || failing=(--fail-on "$INPUT_FAIL_ON")
take_ledger
code=0
reconciler plan --out "$plan" --format markdown "${reading[@]}" "${only[@]}" "${limits[@]}" "${conflicts[@]}" \
  "${failing[@]}" >"$report" || code=$?
made=true
if [[ ! -s "$report" ]]; then
  made=false
  echo "**The plan could not be made** (exit code $code). The run's log says why." >"$report"
fi
summarise "$report"
comment "$report"
output report-file "$report"
output exit-code "$code"
[[ "$made" == true ]] || exit "$code"

reconciler show "$plan" --format github "${project[@]}" "${limits[@]}"
changes=0
for action in create update deactivate delete blocked; do
  number=$(value "$plan" "summary.$action")
  output "$action" "$number"
  changes=$((changes + number))
done
output held "$(value "$plan" summary.held)"
output has-changes "$( ((changes > 0)) && echo true || echo false)"
output plan-file "$plan"
case "$code" in
  0) ;;
  3) printf '::error title=reconciler::Changes of this plan are blocked: apply would leave them out. The report names them.\n' ;;
  6) printf '::error title=reconciler::A safety limit or policy refuses this plan. The report names the switch.\n' ;;
  *) printf '::error title=reconciler::There are warnings. The log and the report name them.\n' ;;
esac
exit "$code"
