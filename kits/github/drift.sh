# shellcheck shell=bash
# Audits: while something has drifted an issue is open that says what, and the step fails.

has_credentials || fail "DT_CLIENT_ID and DT_CLIENT_SECRET are not set: give them to this step under env"

report="$folder/drift.md"
take_ledger
code=0
reconciler drift --format markdown "${reading[@]}" "${only[@]}" >"$report" || code=$?
output exit-code "$code"
output report-file "$report"
if ((code != 0 && code != 2)); then
  printf '::error title=reconciler::The account could not be audited. The log says why.\n'
  exit "$code"
fi
summarise "$report"
show_report "$report"
output drifted "$( ((code == 2)) && echo true || echo false)"

told=0
if [[ "$INPUT_ISSUE" == true ]]; then
  closing=(--close)
  ((code == 0)) || closing=()
  reconciler ci issue "$report" --as "drift $post_name" --title "$INPUT_ISSUE_TITLE" "${closing[@]}" || told=$?
fi
if ((code == 2)); then
  printf '::error title=reconciler::The account has drifted. The report names what.\n'
  [[ "$INPUT_FAIL_ON_DRIFT" != true ]] || exit 2
fi
exit "$told"
