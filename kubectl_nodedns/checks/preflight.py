"""The checks before an install, in the order of their codes, and which of them `enable` runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_nodedns.checks import (
    preflight_addresses,
    preflight_admission,
    preflight_ground,
    preflight_names,
    preflight_policies,
)
from kubectl_nodedns.checks.finding import Category, Check, Seen, Severity

if TYPE_CHECKING:
    from kubectl_nodedns.checks.preflight_evidence import Preflight
    from kubectl_nodedns.errors import RefusedError

OBSTACLE: Check[RefusedError] = Check(
    code="ND100",
    title="What the cluster is cannot be told",
    severity=Severity.ERROR,
    category=Category.INSTALL,
    matters="without the DNS service and the cluster domain nothing can be installed or looked at",
    way_out="",
    look=lambda error: [Seen(subject="cluster", text=str(error), way_out=error.hint)],
)
"""Stands for all other checks where the facts that they start from cannot be had."""
OWN_REFUSALS = frozenset({"ND101", "ND102", "ND103", "ND104", "ND105"})
"""What `enable` sees to by itself: its options --mode and --dns-service are about these."""
PREFLIGHT: tuple[Check[Preflight], ...] = tuple(
    sorted(
        (
            *preflight_ground.CHECKS,
            *preflight_addresses.CHECKS,
            *preflight_names.CHECKS,
            *preflight_admission.CHECKS,
            *preflight_policies.CHECKS,
        ),
        key=lambda check: check.code,
    )
)
"""Every check of a cluster that is to get a cache."""
