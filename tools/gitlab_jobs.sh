#!/usr/bin/env bash
# What a pipeline of GitLab makes of the files that `init` writes for two projects in one repository, as gitlab-ci-local reads
# them (from npm, which holds it to its version): a change in one project starts the jobs of that project alone.
set -euo pipefail

reconciler=$(realpath "${1:?the command to run, as .venv/bin/reconciler}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

git init --quiet --bare --initial-branch=main "$folder/studio/games.git"
git -c init.defaultBranch=main clone --quiet "file://$folder/studio/games.git" "$folder/clone" 2>/dev/null
cd "$folder/clone"
"$reconciler" init games/one --publisher-id 3432 --ci gitlab >/dev/null 2>&1
"$reconciler" init games/two --publisher-id 3499 --ci gitlab >/dev/null 2>&1
git add --all
git -c user.name=a -c user.email=a@example.com commit --quiet --message=begin
git push --quiet origin HEAD:main

# jobs EVENT: the names of the jobs that this event starts for what has changed since main.
jobs() {
  npx --yes gitlab-ci-local@4.61.1 --list-csv --variable "CI_PIPELINE_SOURCE=$1" --variable CI_PROJECT_ID=1 \
    --variable CI_MERGE_REQUEST_SOURCE_PROJECT_ID=1 2>/dev/null | sed -n 's/^\(reconciler:[^;]*\);.*/\1/p' | sort | paste -sd ' '
}

# starts EVENT JOBS: fails where the event starts others than these.
starts() {
  local found
  found=$(jobs "$1")
  if [[ "$found" != "$2" ]]; then
    echo "gitlab-ci-local: $1 starts \"$found\", not \"$2\"" >&2
    exit 1
  fi
}

echo "# changed" >>games/one/apps/example.yaml
starts merge_request_event "reconciler:plan reconciler:validate"
starts push "reconciler:apply reconciler:validate"
git checkout --quiet games/one

echo "# changed" >>games/two/apps/example.yaml
starts merge_request_event "reconciler:games-two:plan reconciler:games-two:validate"
starts push "reconciler:games-two:apply reconciler:games-two:validate"
git checkout --quiet games/two

echo "a file of neither" >README.md
git add README.md
starts merge_request_event ""
starts schedule "reconciler:drift reconciler:floors reconciler:games-two:drift reconciler:games-two:floors"
