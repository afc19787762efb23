"""Read a Corefile: server blocks, and the plugins in each.

The grammar is that of CoreDNS's parser (github.com/coredns/caddy, caddyfile/lexer.go and parse.go):
words with white space between, "…" quotes that may hold line ends, # comments, {$NAME} and {%NAME%}
for the environment, snippets, and `import` of snippets and files. Files are handed in, as CoreDNS
sees them in its pod; nothing is opened here.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_nodedns.facts.corefile import Corefile, CorefileError, Key, Plugin, ServerBlock
from kubectl_nodedns.facts.zones import zone_of_key
from kubectl_nodedns.numbers import port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_IMPORTS = 1000
"""Imports followed in one Corefile; more can only be a cycle."""
MOST_WORDS = 100_000
"""Words of a Corefile with all that it imports: ten times what the largest ones have. Snippets that
import snippets could make any number out of a few lines."""
LONGEST_KEY = 1024
"""Characters of a server block's key; a domain name has 253."""
_ENVIRONMENT = re.compile(r"\{\$(?P<unix>[^{}]+)\}|\{%(?P<windows>[^{}%]+)%\}")
_KEY = re.compile(r"(?:(?P<scheme>[a-z0-9]+)://)?(?P<zone>.*?)(?::(?P<port>\d+))?", re.IGNORECASE)


@dataclass(frozen=True)
class Token:
    """One word."""

    text: str
    """The word, without its quotes."""
    line: int
    """Line it begins on, from 1."""
    file: str
    """File it is from."""


def read_corefile(
    text: str,
    *,
    path: str = "/etc/coredns/Corefile",
    files: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Corefile:
    """Read a Corefile.

    Args:
        text: its content.
        path: where CoreDNS reads it; imports are relative to that.
        files: content of other files in CoreDNS's pod, by absolute path.
        environment: variables of its container; a missing one is empty, as for CoreDNS. None where
            they are not known: what refers to them stays as it is written.

    Raises:
        CorefileError: CoreDNS would not start with it.
    """
    return _Parser(text, path, files or {}, environment).parse()


def tokens_of(text: str, file: str = "Corefile") -> list[Token]:
    """Split a Corefile into words."""
    found: list[Token] = []
    line, i, end = 1, 0, len(text)
    while i < end:
        char = text[i]
        if char == "\n":
            line += 1
            i += 1
        elif char.isspace():
            i += 1
        elif char == "#":
            while i < end and text[i] != "\n":
                i += 1
        elif char == '"':
            word, i, lines = _quoted(text, i + 1)
            found.append(Token(word, line, file))
            line += lines
        else:
            start = i
            while i < end and not text[i].isspace() and text[i] != "#":
                i += 1
            found.append(Token(text[start:i], line, file))
    return found


def _quoted(text: str, i: int) -> tuple[str, int, int]:
    """Read a quoted word from its first character: the word, where it ends, lines passed."""
    word: list[str] = []
    start = i
    while i < len(text) and text[i] != '"':
        if text[i] == "\\" and text[i + 1 : i + 2] == '"':
            i += 1
        word.append(text[i])
        i += 1
    return "".join(word), i + 1, text.count("\n", start, i)


class _Parser:
    def __init__(
        self,
        text: str,
        path: str,
        files: Mapping[str, str],
        environment: Mapping[str, str] | None,
    ) -> None:
        self._tokens = deque(tokens_of(text, path))
        self._files = files
        self._environment = environment
        self._snippets: dict[str, list[Token]] = {}
        self._missing: list[str] = []
        self._imports = 0
        self._words = len(self._tokens)

    def parse(self) -> Corefile:
        blocks: list[ServerBlock] = []
        while self._tokens:
            head = self._line()
            if not head:
                continue
            if head[0].text == "}":
                raise _error(head[0], "a } that closes nothing")
            braces = head[-1].text == "{"
            words = [self._expanded(t.text).rstrip(",") for t in (head[:-1] if braces else head)]
            if braces and len(words) == 1 and re.fullmatch(r"\(.+\)", words[0]):
                self._snippets[words[0][1:-1]] = self._until_brace(head[0])
                continue
            keys = tuple(_key(word) for word in words if word)
            # Without braces, the rest of the file is the one server block.
            body = self._until_brace(head[0]) if braces else self._rest()
            if keys:
                blocks.append(ServerBlock(keys=keys, plugins=tuple(self._plugins(body))))
        return Corefile(blocks=tuple(blocks), missing=tuple(self._missing), imports=self._imports)

    def _line(self) -> list[Token]:
        """Take the words up to the brace or the end of the line; a comma goes on to the next."""
        taken: list[Token] = []
        while self._tokens:
            token = self._tokens[0]
            new = not taken or not _same_line(taken[-1], token)
            if new and taken and not taken[-1].text.endswith(",") and token.text != "{":
                break
            self._tokens.popleft()
            if new and token.text == "import":
                self._import(token, self._tokens)
                continue
            taken.append(token)
            if token.text == "{":
                break
        return taken

    def _rest(self) -> list[Token]:
        rest, self._tokens = list(self._tokens), deque()
        return rest

    def _until_brace(self, opened: Token) -> list[Token]:
        """Take the words up to the brace that closes what `opened` opened."""
        depth = 1
        body: list[Token] = []
        while self._tokens:
            token = self._tokens.popleft()
            depth += (token.text == "{") - (token.text == "}")
            if depth == 0:
                return body
            body.append(token)
        raise _error(opened, "its { is never closed")

    def _import(self, at: Token, rest: deque[Token]) -> None:
        """Replace the argument of an import, at the beginning of `rest`, by what it stands for."""
        found = self._imported(at, rest)
        self._words += len(found)
        if self._words > MOST_WORDS:
            raise _error(at, f"with what it imports it has more than {MOST_WORDS} words")
        rest.extendleft(reversed(found))

    def _imported(self, at: Token, rest: deque[Token]) -> list[Token]:
        if not rest or not _same_line(at, rest[0]):
            raise _error(at, "import needs a file or a snippet")
        self._imports += 1
        if self._imports > MOST_IMPORTS:
            raise _error(at, "imports go round in a circle")
        name = self._expanded(rest.popleft().text)
        if name in self._snippets:
            return self._snippets[name]
        pattern = posixpath.normpath(posixpath.join(posixpath.dirname(at.file), name))
        matches = sorted(path for path in self._files if _matches(path, pattern))
        if not matches and not set(name) & set("*?["):
            self._missing.append(name)
        return [token for path in matches for token in tokens_of(self._files[path], path)]

    def _plugins(self, body: list[Token]) -> Iterator[Plugin]:
        rest = deque(body)
        while rest:
            first = rest.popleft()
            if first.text == "import":
                self._import(first, rest)
                continue
            if first.text in ("{", "}"):
                raise _error(first, f"a {first.text} where a plugin should stand")
            yield self._plugin(first, rest)

    def _plugin(self, first: Token, rest: deque[Token]) -> Plugin:
        """Take one plugin's words from `rest`."""
        lines: list[list[str]] = [[]]
        last, depth, opened = first, 0, False
        while rest:
            token = rest[0]
            new = not _same_line(last, token)
            if new and depth == 0 and token.text != "{":
                break
            if depth == 0 and opened:
                break
            rest.popleft()
            if new and token.text == "import":
                self._import(token, rest)
                continue
            depth += (token.text == "{") - (token.text == "}")
            last = token
            if (token.text == "{" and not opened) or (token.text == "}" and depth == 0):
                opened = True
                lines.append([])
                continue
            if new and opened and lines[-1]:
                lines.append([])
            lines[-1].append(self._expanded(token.text))
        if depth:
            raise _error(first, f"the {{ of {first.text} is never closed")
        return Plugin(
            name=self._expanded(first.text),
            arguments=tuple(lines[0]),
            body=tuple(tuple(words) for words in lines[1:] if words),
        )

    def _expanded(self, text: str) -> str:
        known = self._environment
        if known is None:
            return text
        return _ENVIRONMENT.sub(
            lambda match: known.get(match["unix"] or match["windows"], ""), text
        )


def _same_line(before: Token, token: Token) -> bool:
    """Whether `token` goes on the line of `before`; a quoted word may end on a later one."""
    end = before.line + before.text.count("\n")
    return token.file == before.file and token.line == end


def _matches(path: str, pattern: str) -> bool:
    """Whether a glob matches, as filepath.Glob does: no wildcard crosses a slash."""
    return posixpath.dirname(path) == posixpath.dirname(pattern) and fnmatch.fnmatchcase(
        posixpath.basename(path), posixpath.basename(pattern)
    )


def _key(word: str) -> Key:
    match = _KEY.fullmatch(word) if len(word) <= LONGEST_KEY else None
    number = port(match["port"] or "53") if match else None
    if match is None or number is None:
        raise CorefileError(f"{word[:LONGEST_KEY]!r} is no zone, or has no port that there is")
    return Key(
        zone=zone_of_key(match["zone"]),
        port=number,
        scheme=(match["scheme"] or "dns").lower(),
        text=word,
    )


def _error(token: Token, text: str) -> CorefileError:
    return CorefileError(f"{token.file}, line {token.line}, {token.text!r}: {text}")
