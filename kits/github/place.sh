# shellcheck shell=bash
# Where the project is: of INPUT_PROJECT and the working directory, `work`.

# A path from the working directory as one from the root.
whole_path() {
  if [[ "$1" =~ ^(/|[A-Za-z]:) ]]; then echo "$1"; else echo "$work/$1"; fi
}

# The folder of the project, or of the nearest one above the working directory.
project_folder() {
  local place=$work
  if [[ -n "$INPUT_PROJECT" ]]; then
    whole_path "$INPUT_PROJECT"
    return
  fi
  while [[ ! -e "$place/reconciler.yaml" && ! -L "$place/reconciler.yaml" && "$place" == */*/* ]]; do place=${place%/*}; done
  if [[ -e "$place/reconciler.yaml" || -L "$place/reconciler.yaml" ]]; then echo "$place"; else echo "$work"; fi
}
