"""What a recording is made of, through JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace

from kubectl_nodedns.facts.cache_pods import CachePod
from kubectl_nodedns.metrics.codec import flat, whole
from tests.unit.metrics.fleets import pod


def test_a_cache_pod_comes_back_whole() -> None:
    one = replace(pod(), local_ips=("169.254.20.10", "10.96.0.10"), phase="full", uid="uid-1")
    assert whole(CachePod, json.loads(json.dumps(flat(one)))) == one


def test_a_cache_pod_of_an_older_recording_has_what_was_not_written_as_not_known() -> None:
    written = flat(pod()) or {}
    older = {name: written[name] for name in written if name not in {"local_ips", "uid", "phase"}}
    assert whole(CachePod, older) == pod()
