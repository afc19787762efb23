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
