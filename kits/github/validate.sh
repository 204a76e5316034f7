# shellcheck shell=bash
# Findings beside the lines of the pull request. Ends the step where there are errors, or warnings unless strict is false.

findings="$folder/findings.md"
code=0
reconciler validate "${strict[@]}" --format github "${project[@]}" || code=$?
if ((code != 0)); then
  reconciler validate "${strict[@]}" --format markdown "${project[@]}" >"$findings" || true
  if [[ ! -s "$findings" ]]; then
    echo "**The manifests could not be checked.** The log says why." >"$findings"
  fi
  summarise "$findings"
  comment "$findings"
  output report-file "$findings"
  output exit-code "$code"
  exit "$code"
fi
if [[ "$INPUT_COMMAND" == validate ]]; then
  output exit-code 0
fi
