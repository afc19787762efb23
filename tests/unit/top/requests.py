"""What `top` is asked for in tests."""

from __future__ import annotations

from typing import Any

from kubectl_nodedns.cluster.access import AccessOptions
from kubectl_nodedns.probes.probe_job import ProbeOptions
from kubectl_nodedns.top.top_request import TopRequest, column_named


def make_request(**given: Any) -> TopRequest:
    """Return a request as an empty command line makes it, but for what is given."""
    usual: dict[str, Any] = {
        "access": AccessOptions(),
        "probes": ProbeOptions(),
        "printed": False,
        "output": "table",
        "lines": False,
        "sort_by": column_named(None),
        "selector": "",
        "refresh": 2.0,
        "apart": 2.0,
        "probe": False,
        "probe_cap": 20,
        "source": "auto",
        "prometheus": "",
        "dns_service": "",
        "cluster_domain": "",
        "record": None,
        "record_limit": 0,
        "replay": None,
        "at": "",
        "theme": "",
        "mouse": True,
    }
    return TopRequest(**{**usual, **given})
