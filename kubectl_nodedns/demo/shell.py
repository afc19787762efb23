"""The shell of a pod: as much of sh as is needed to ask questions from inside it.

Knows lists of commands, `for NAME in WORDS; do ...; done`, variables, quotes, `&&`, `||`, `&` and
`2>&1`; and the programs cat, date, dig, echo, env, exit, false, hostname, printf, set, sleep, trap,
true and wait. Whatever else is called is "not found", as in an image that does not have it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_nodedns.demo import digging, paced
from kubectl_nodedns.demo.replies import Silence

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from kubectl_nodedns.demo.replies import Asked, Outcome

    Ask = Callable[[str, Asked], Outcome]
    Out = Callable[[str], Awaitable[None]]

NOT_FOUND, MISUSE = 127, 2
DIG_FAILED = 9
"""dig's exit status when no server answered."""
_VARIABLE = re.compile(r"\$(?:\{(\w+|@)\}|(\w|@|\?)(\w*))")
_OPERATORS = (";", "\n", "&&", "||", "&", "|")


class ShellError(Exception):
    """A script that this shell cannot read."""


@dataclass
class Pod:
    """Where commands run."""

    name: str
    """The pod's name, which is its host's."""
    files: Mapping[str, str]
    """Files by path."""
    nameserver: str
    """First nameserver of its resolv.conf."""
    ask: Ask
    """Asks a server a question."""
    environment: Mapping[str, str]
    """Environment variables."""
    chance: random.Random
    """Makes numbers up."""


@dataclass
class _State:
    arguments: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    code: int = 0
    ended: bool = False


class Shell:
    """Runs one command in a pod.

    Args:
        pod: where.
        out: takes what is printed.
    """

    def __init__(self, pod: Pod, out: Out) -> None:
        self._pod = pod
        self._out = out

    async def run(self, words: Sequence[str]) -> int:
        """Run a program with its arguments; return its exit code."""
        words = list(words)
        if words and words[0].rpartition("/")[2] in ("sh", "bash", "ash"):
            if words[1:2] != ["-c"]:
                return 0  # an interactive shell without a terminal ends at once
            _, _, script, *rest = words
            state = _State(rest[1:])  # the first is $0
            if many := paced.read(script, state.arguments):
                await paced.run(many, self._pod, self._out)
                return 0
            try:
                await self._script(_tokens(script), state)
            except ShellError as error:
                await self._out(f"sh: 1: {error}\n")
                return MISUSE
            return state.code
        return await self._program(words, _State([]))

    async def _script(self, tokens: list[str], state: _State) -> None:
        i = 0
        while i < len(tokens) and not state.ended:
            piece = tokens[i]
            if piece == "for":
                end = _matching(tokens, i)
                await self._loop(tokens[i:end], state)
                i = end + 1
                continue
            end = i
            while end < len(tokens) and tokens[end] not in _OPERATORS:
                end += 1
            if command := tokens[i:end]:
                await self._command(command, state)
            operator = tokens[end] if end < len(tokens) else ""
            i = end + 1
            if (operator == "&&" and state.code) or (operator == "||" and not state.code):
                while i < len(tokens) and tokens[i] not in (";", "\n"):
                    i += 1

    async def _loop(self, tokens: list[str], state: _State) -> None:
        """Run `for NAME in WORDS ; do BODY ; done`."""
        try:
            do = tokens.index("do")
        except ValueError as error:
            raise ShellError('Syntax error: "do" expected') from error
        name, words = tokens[1], [t for t in tokens[3:do] if t not in _OPERATORS]
        for value in [value for word in words for value in self._expanded(word, state)]:
            state.variables[name] = value
            await self._script(tokens[do + 1 :], state)
            if state.ended:
                return

    async def _command(self, tokens: list[str], state: _State) -> None:
        words = [word for piece in tokens for word in self._expanded(piece, state)]
        words = [word for word in words if word not in ("2>&1", "1>&2", ">&2", "2>/dev/null")]
        while words and re.fullmatch(r"\w+=.*", words[0]):
            name, _, value = words.pop(0).partition("=")
            state.variables[name] = value
        if words:
            state.code = await self._program(words, state)

    def _expanded(self, piece: str, state: _State) -> list[str]:
        """Expand variables and take quotes away; what is not quoted is split."""
        if piece == '"$@"':
            return list(state.arguments)

        def value(found: re.Match[str]) -> str:
            name = found[1] or found[2] + (found[3] or "")
            if name == "@":
                return " ".join(state.arguments)
            if name == "?":
                return str(state.code)
            if name.isdigit():
                position = int(name)
                given = state.arguments
                return given[position - 1] if 0 < position <= len(given) else ""
            return state.variables.get(name, self._pod.environment.get(name, ""))

        if piece.startswith("'"):
            return [piece[1:-1]]
        if piece.startswith('"'):
            return [_VARIABLE.sub(value, piece[1:-1]).replace('\\"', '"')]
        if "$" not in piece:
            return [piece.replace("\\", "")] if "'" not in piece else shlex.split(piece)
        return _VARIABLE.sub(value, piece.replace('"', "")).split()

    async def _program(self, words: list[str], state: _State) -> int:
        name, rest = words[0].rpartition("/")[2], words[1:]
        if name == "dig":
            return await self._dig(rest)
        if name == "echo":
            line = " ".join(rest[1:] if rest[:1] == ["-n"] else rest)
            await self._out(line if rest[:1] == ["-n"] else f"{line}\n")
        elif name == "printf":
            await self._out(_formatted(rest))
        elif name == "cat":
            return await self._cat(rest)
        elif name == "sleep":
            await asyncio.sleep(float(rest[0].rstrip("s")) if rest else 0)
        elif name == "exit":
            state.ended = True
            return int(rest[0]) if rest else state.code
        elif name == "hostname":
            await self._out(f"{self._pod.name}\n")
        elif name == "date":
            await self._out(f"{_date(rest)}\n")
        elif name == "env":
            pairs = (f"{key}={text}\n" for key, text in self._pod.environment.items())
            await self._out("".join(pairs))
        elif name == "false":
            return 1
        elif name not in ("true", "set", "trap", "wait", ":", "export"):
            await self._out(f"sh: 1: {words[0]}: not found\n")
            return NOT_FOUND
        return 0

    async def _cat(self, paths: list[str]) -> int:
        for path in paths:
            content = self._pod.files.get(path)
            if content is None:
                await self._out(f"cat: {path}: No such file or directory\n")
                return 1
            await self._out(content)
        return 0

    async def _dig(self, words: list[str]) -> int:
        query = digging.parse(words, self._pod.nameserver)
        if query.problem:
            await self._out(f"{query.problem}\n")
            return 10
        outcome = self._pod.ask(query.server, query.asked)
        await asyncio.sleep(digging.waits(query, outcome))
        await self._out(digging.printed(query, outcome, self._pod.chance))
        return DIG_FAILED if isinstance(outcome, Silence) else 0


def _tokens(script: str) -> list[str]:
    """Cut a script into words and operators; quotes stay on their words."""
    lexer = shlex.shlex(script.replace("\n", " ; "), posix=False, punctuation_chars=";&|")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        found = list(lexer)
    except ValueError as error:
        raise ShellError("Syntax error: Unterminated quoted string") from error
    tokens: list[str] = []
    for word in found:
        # `2>&1` is one word in a shell and three for the lexer.
        if tokens and tokens[-1] == "&" and len(tokens) > 1 and tokens[-2].endswith(">"):
            tokens[-2:] = [tokens[-2] + "&" + word]
        elif word.strip(";") == "" and len(word) > 1:
            tokens += list(word)
        else:
            tokens.append(word)
    return [piece for i, piece in enumerate(tokens) if not (piece == "do" and i == 0)]


def _matching(tokens: list[str], start: int) -> int:
    """Return where the loop that starts there is done."""
    depth = 0
    for i in range(start, len(tokens)):
        depth += {"for": 1, "done": -1}.get(tokens[i], 0)
        if depth == 0:
            return i
    raise ShellError('Syntax error: end of file unexpected (expecting "done")')


def _formatted(words: list[str]) -> str:
    text = words[0] if words else ""
    for escape, char in (("\\n", "\n"), ("\\t", "\t")):
        text = text.replace(escape, char)
    with contextlib.suppress(TypeError):
        return text.replace("%s", "{}").format(*words[1:])
    return text


def _date(words: list[str]) -> str:
    form = next((word[1:] for word in words if word.startswith("+")), "%a %b %d %H:%M:%S UTC %Y")
    now = time.time()
    nanoseconds = f"{int(now % 1 * 1e9):09d}"
    form = form.replace("%s", str(int(now))).replace("%N", nanoseconds)
    return time.strftime(form, time.gmtime(now))
