"""`kubectl nodedns completion`: scripts for shells, and the program that kubectl asks."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kubectl_nodedns.cli.output import print_lines
from kubectl_nodedns.errors import Exit, RefusedError, UsageError

if TYPE_CHECKING:
    import argparse

PROGRAM, HOOK = "kubectl-nodedns", "kubectl_complete-nodedns"
MARK = "# made by: kubectl nodedns completion --install-hook"
"""By this line a hook of ours is known; anything else of that name is left alone."""
HOOK_TEXT = f'#!/bin/sh\n{MARK}\nexec {PROGRAM} __complete "$@"\n'

SCRIPTS = {
    "bash": r"""_kubectl_nodedns() {
    local cur=${COMP_WORDS[COMP_CWORD]} line word out
    # bash takes "=" for a word of its own: what stands before it is the option.
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    if [[ $cur == "=" ]]; then
        cur=""; words=("${COMP_WORDS[@]:1:COMP_CWORD-1}" "")
    elif [[ ${COMP_WORDS[COMP_CWORD-1]} == "=" ]]; then
        words=("${COMP_WORDS[@]:1:COMP_CWORD-2}" "$cur")
    fi
    COMPREPLY=()
    out=$(kubectl-nodedns __complete "${words[@]}" 2>/dev/null) || return
    # A choice is data: bash evaluates the words of compgen -W, and runs what is taken unquoted.
    while IFS= read -r line; do
        word=${line%%$'\t'*}
        if [[ $line != :* && $word == "$cur"* ]]; then
            printf -v word %q "$word"
            COMPREPLY+=("$word")
        fi
    done <<< "$out"
    [[ ${out##*:} == 0 ]] && compopt -o default
}
complete -F _kubectl_nodedns kubectl-nodedns
""",
    "zsh": r"""#compdef kubectl-nodedns
_kubectl_nodedns() {
    local out line
    local -a choices
    out=$(kubectl-nodedns __complete "${(@)words[2,CURRENT]}" 2>/dev/null) || return 1
    for line in "${(@f)out}"; do
        [[ $line == :* ]] && continue
        # A colon parts choice and description here, so one in the choice is quoted.
        if [[ $line == *$'\t'* ]]; then
            choices+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
        else
            choices+=("${line//:/\\:}")
        fi
    done
    # What stands before "=" is not repeated by the choices.
    compset -P '--*='
    if (( ${#choices} )); then
        _describe kubectl-nodedns choices
    elif [[ ${out##*:} == 0 ]]; then
        _files
    fi
}
compdef _kubectl_nodedns kubectl-nodedns
""",
    "fish": r"""function __kubectl_nodedns
    set -l words (commandline -opc) (commandline -ct)
    set -l prefix (string match -r -- '^--[^=]+=' $words[-1])
    for line in (kubectl-nodedns __complete $words[2..-1] 2>/dev/null)
        string match -q -- ':*' $line; or echo "$prefix$line"
    end
end
complete -c kubectl-nodedns -f -a '(__kubectl_nodedns)'
complete -c kubectl-nodedns -l kubeconfig -l names -l against -r -F
""",
}


def run(arguments: argparse.Namespace) -> int:
    """Print a script, or write the hook."""
    if arguments.install_hook is not None:
        if arguments.shell:
            raise UsageError("--install-hook serves every shell; leave the shell out")
        print_lines([f"wrote {install(arguments.install_hook)}"])
        return Exit.OK
    if not arguments.shell:
        raise UsageError(
            "completion: name a shell (bash, zsh, fish), or say --install-hook",
            hint="kubectl nodedns completion --help explains both",
        )
    print_lines(SCRIPTS[arguments.shell].removesuffix("\n").split("\n"))
    return Exit.OK


def install(folder: str) -> Path:
    """Write the hook into a folder; return its path.

    Args:
        folder: where; empty for the folder in which the program is found on the PATH.

    Raises:
        UsageError: the folder cannot be written to, or there is none.
        RefusedError: a program of that name, not ours, is there.
    """
    if sys.platform == "win32":
        raise UsageError("--install-hook writes a shell script, which Windows does not run")
    if not folder:
        program = shutil.which(PROGRAM)
        if program is None:
            raise UsageError(
                f"{PROGRAM} is not on the PATH, so there is no folder beside it",
                hint="name a folder of the PATH: completion --install-hook DIR",
            )
        folder = os.path.dirname(program)  # noqa: PTH120 - of the link, not of what it leads to
    hook = Path(folder) / HOOK
    try:
        if hook.exists() and MARK not in hook.read_text(errors="replace"):
            raise RefusedError(
                f"{hook} is there already, and completion did not write it",
                hint="pip and pipx install one that works; then nothing is to be done",
            )
        hook.write_text(HOOK_TEXT)
        hook.chmod(0o755)
    except OSError as error:
        raise UsageError(f"--install-hook: {hook} cannot be written: {error.strerror}") from error
    return hook
