"""Every check that there is, in the order of their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks import (
    coverage,
    dataplane,
    install,
    load,
    resources,
    surroundings,
    traffic,
    upstream,
)
from kubectl_nodedns.checks.preflight import OBSTACLE, PREFLIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_nodedns.checks.evidence import Evidence
    from kubectl_nodedns.checks.finding import Check

RUNNING: tuple[Check[Evidence], ...] = (
    *install.CHECKS,
    *coverage.CHECKS,
    *dataplane.CHECKS,
    *traffic.CHECKS,
    *load.CHECKS,
    *upstream.CHECKS,
    *resources.CHECKS,
    *surroundings.CHECKS,
)
"""Checks of a cluster that runs, with a cache or without."""
CODES: dict[str, str] = {
    **{check.code: check.title for check in RUNNING},
    OBSTACLE.code: OBSTACLE.title,
    **{check.code: check.title for check in PREFLIGHT},
}
"""Title of each check, by code."""


def codes_of(texts: Iterable[str]) -> frozenset[str]:
    """Read codes of checks, in each text one or several with commas between them."""
    words = (word.strip().upper() for text in texts for word in text.split(","))
    return frozenset(word for word in words if word)
