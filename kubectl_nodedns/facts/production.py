"""Whether a cluster looks like production, by the name of its kubeconfig context. Pure."""

from __future__ import annotations

import re

PRODUCTION_WORDS = ("prod", "prd", "production", "live")
"""A context looks like production when one of these stands in its name between non-letters."""
_PRODUCTION = re.compile(rf"(?<![a-z])({'|'.join(PRODUCTION_WORDS)})(?![a-z])", re.IGNORECASE)


def production_word(context: str) -> str:
    """Return the word of a context's name by which it looks like production; empty without one."""
    found = _PRODUCTION.search(context)
    return found[1] if found else ""
