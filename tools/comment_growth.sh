#!/usr/bin/env bash
# Puts what `bench/grown.py` tells of COUNTED (before.json, after.json) into the one comment of its kind on the open pull request
# whose head is HEAD, on BRANCH of OWNER. Where nothing has grown it makes no comment, and brings one that is there up to date.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export HEAD
number=$(gh api --method GET "repos/$REPO/pulls" -f state=open -f head="$OWNER:$BRANCH" \
  --jq '[.[] | select(.head.sha == env.HEAD) | .number] | first // empty')
if [ -z "$number" ]; then
  echo "no open pull request has this commit any more"
  exit 0
fi
known=$(gh api --paginate "repos/$REPO/issues/$number/comments" --jq '.[]
  | select(.user.login == "github-actions[bot]" and (.body | startswith("<!-- reconciler:instructions -->"))) | .id' | sed -n 1p)
python3 -I bench/grown.py ${known:+--even} "$COUNTED/before.json" "$COUNTED/after.json" > "$TOLD"
if [ -n "$known" ]; then
  gh api --silent --method PATCH "repos/$REPO/issues/comments/$known" -F body=@"$TOLD"
elif [ -s "$TOLD" ]; then
  gh api --silent --method POST "repos/$REPO/issues/$number/comments" -F body=@"$TOLD"
else
  echo "no stage takes 3 % more"
fi
