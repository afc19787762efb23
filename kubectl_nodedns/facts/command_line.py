"""The command line of a container as its process gets it, and the flags on it. Pure.

The kubelet replaces $(NAME) by the container's environment (k8s.io/kubernetes,
third_party/forked/golang/expansion): a name that is not defined stays as it is written, and $$ is a
dollar sign.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE = re.compile(r"\$\$|\$\(([^()]*)\)")
"""A dollar sign that is escaped, or a reference to a variable of the environment."""
LONGEST = 1 << 18
"""Characters that a text with its references replaced may have; Linux takes 128 KiB in a word."""
SHELLS = frozenset({"ash", "bash", "dash", "sh"})
"""Programs that are given a script after -c; GKE starts kube-proxy by one."""


def words_of(container: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the words of a container's command line, those of a shell's script among them.

    A reference to what only the node knows (valueFrom, envFrom) stays as it is written.
    """
    known = environment_of(container)
    given = (*(container.get("command") or ()), *(container.get("args") or ()))
    words = tuple(expanded(str(word), known) for word in given)
    return (*words, *_script(words))


def environment_of(container: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that a container's specification gives a value, resolved."""
    known: dict[str, str] = {}
    for one in container.get("env") or ():
        if one.get("valueFrom"):
            known.pop(one["name"], None)
        else:
            known[one["name"]] = expanded(str(one.get("value") or ""), known)
    return known


def unknown_variables(container: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the variables whose values only the node knows; None for any (envFrom)."""
    if container.get("envFrom"):
        return None
    return frozenset(one["name"] for one in container.get("env") or () if one.get("valueFrom"))


def expanded(text: str, known: Mapping[str, str]) -> str:
    """Replace the references to `known` variables in a text, as the kubelet does.

    Raises:
        ValueError: it gets longer than `LONGEST`; variables that name others twice grow without
            bounds.
    """
    parts = []
    end = length = 0
    for found in REFERENCE.finditer(text):
        value = "$" if found[1] is None else known.get(found[1], found[0])
        parts += [text[end : found.start()], value]
        end = found.end()
        length += len(parts[-2]) + len(value)
        if length > LONGEST:
            raise ValueError(f"a variable is longer than {LONGEST} characters")
    return "".join((*parts, text[end:]))


def flag(words: tuple[str, ...], name: str) -> str:
    """Return the value of a Go flag, in any of its spellings (-f v, -f=v, --f v, --f=v).

    The last one counts, as it does for the program.
    """
    value = ""
    for i, word in enumerate(words):
        bare = word.lstrip("-")
        if word.startswith("-") and bare == name and i + 1 < len(words):
            value = words[i + 1]
        elif word.startswith("-") and bare.startswith(f"{name}="):
            value = bare.partition("=")[2]
    return value


def _script(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of the script that a shell is given; none where no shell is started."""
    if not words or posixpath.basename(words[0]) not in SHELLS:
        return ()
    for option, script in itertools.pairwise(words):
        if re.fullmatch(r"-[a-z]*c", option):
            try:
                return tuple(shlex.split(script, comments=True))
            except ValueError:
                return tuple(script.split())
    return ()
