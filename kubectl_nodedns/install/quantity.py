"""Kubernetes quantities of CPU and memory, in the form that the API server gives them back.

A quantity that the API server rewrites would look like a difference for ever: 1024Mi comes back as
1Gi, and 1000m as 1.
"""

from __future__ import annotations

import re

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.quantity import BINARY, DECIMAL, KI, MI, quantity

_MEMORY = re.compile(r"\d+(?:\.\d+)?(?:[KMGT]i|[kMGT]?)")
_CPU = re.compile(r"\d+m|\d+(?:\.\d{1,3})?")
LEAST_MEMORY = 16 * MI
"""Bytes below which the agent does not even start."""


def memory_bytes(text: str) -> int:
    """Read a quantity of memory in bytes; 0 where it is none that an option takes."""
    return int(quantity(text)) if _MEMORY.fullmatch(text) else 0


def memory_text(size: int) -> str:
    """Write bytes as a quantity: with the largest unit that leaves a whole number."""
    units = BINARY if size % KI == 0 else DECIMAL
    return next(
        f"{size // unit}{name}"
        for name, unit in sorted(units.items(), key=lambda pair: -pair[1])
        if size % unit == 0
    )


def canonical_memory(text: str, *, option: str) -> str:
    """Check a quantity of memory and return it as the API server writes it.

    Raises:
        UsageError: it is none, or too little for the agent.
    """
    size = memory_bytes(text.strip())
    if not size:
        raise UsageError(f"{option}: {text!r} is not a quantity of memory", hint="such as 256Mi")
    if size < LEAST_MEMORY:
        raise UsageError(f"{option}: {text} is less than the agent needs to start (16Mi)")
    return memory_text(size)


def canonical_cpu(text: str, *, option: str) -> str:
    """Check a quantity of CPU and return it as the API server writes it.

    Raises:
        UsageError: it is none.
    """
    thousandths = int(quantity(text.strip()) * 1000) if _CPU.fullmatch(text.strip()) else 0
    if not thousandths:
        raise UsageError(f"{option}: {text!r} is not a quantity of CPU", hint="such as 100m or 1")
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)
