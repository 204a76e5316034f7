"""`completion`: print a script for shell completion."""

from typing import Final

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from reconciler.cli.console import Console

VARIABLE: Final = "_RECONCILER_COMPLETE"
"""Set by the script, for the program to know that it is asked for completions."""


class _Bash(BashComplete):
    """Click's, for words with colons in them: bash takes those apart, and addresses have one."""

    source_template = r"""%(complete_func)s() {
    local line="${COMP_LINE:0:COMP_POINT}" own="${COMP_WORDS[COMP_CWORD]}"
    local -a words
    local IFS=$' \t\n' cur="" type value
    read -ra words <<<"$line"
    local cword=${#words[@]}
    if [[ $line != *[[:space:]] ]]; then
        cword=$((cword - 1))
        cur=${words[cword]}
    fi
    [[ $own == : ]] && own=""
    local before="${cur%%"$own"}"
    COMPREPLY=()
    while IFS=',' read -r type value; do
        case $type in
        dir) compopt -o dirnames ;;
        file) compopt -o default ;;
        plain)
            value=${value#"$before"}
            [[ $cur == [\'\"]* ]] || printf -v value '%%q' "$value"
            COMPREPLY+=("$value")
            ;;
        esac
    done < <(COMP_WORDS="$line" COMP_CWORD=$cword %(complete_var)s=bash_complete "$1")
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


_SHELLS: Final[dict[str, type[ShellComplete]]] = {"bash": _Bash, "zsh": ZshComplete, "fish": FishComplete}


@click.command("completion")
@click.argument("shell", type=click.Choice(sorted(_SHELLS)))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> int:
    """Print a script that makes a shell complete commands, options and the addresses of your manifests.

    \b
      reconciler completion bash > ~/.local/share/bash-completion/completions/reconciler
      reconciler completion zsh > ~/.zfunc/_reconciler
      reconciler completion fish > ~/.config/fish/completions/reconciler.fish
    """
    root = ctx.find_root().command
    Console().raw(_SHELLS[shell](root, {}, "reconciler", VARIABLE).source())
    return 0
