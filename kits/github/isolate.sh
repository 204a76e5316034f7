# shellcheck shell=bash
# What a checkout must not decide: which modules Python loads, and which programs run. Called with -I, Python does without
# PYTHON* variables, the user's own packages and the working directory; the command's own Python is not, so they go here.

for variable in "${!PYTHON@}"; do unset "$variable"; done
export PYTHONSAFEPATH=1

# A relative entry of PATH, or an empty one, is a folder of the checkout.
entries=()
IFS=: read -r -a entries <<<"$PATH"
PATH=""
for entry in "${entries[@]}"; do
  [[ "$entry" != /* ]] || PATH+="${PATH:+:}$entry"
done
