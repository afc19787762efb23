"""A verdict on a node, as every room may hand it on.

`lookup` gives verdicts, `install` acts on them, the command line prints them; none of the three
imports another. Imports nothing but the standard library.
"""

from __future__ import annotations

from typing import Protocol


class Verdict(Protocol):
    """What was seen on a node."""

    @property
    def node(self) -> str:
        """The node."""

    @property
    def ok(self) -> bool:
        """Whether it is what it should be."""

    @property
    def text(self) -> str:
        """What was seen, or what is wrong, in words."""

    @property
    def asked(self) -> bool:
        """Whether a question left the node; without one the verdict tells nothing about DNS."""


class Gap(Protocol):
    """What lookups at the local IP met while its cache was replaced; `str` says it in words."""

    @property
    def node(self) -> str:
        """Node they were asked from."""

    @property
    def longest(self) -> int | None:
        """Milliseconds of the longest time without an answer; None when not known."""

    @property
    def lost(self) -> int:
        """Lookups without an answer."""

    @property
    def sent(self) -> int:
        """Lookups in all."""
