"""What an installation of somebody else makes of options and plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_nodedns.errors import RefusedError
from kubectl_nodedns.install.carrying import Carried
from kubectl_nodedns.install.handover import Record
from kubectl_nodedns.install.options import DEFAULTS, Memory
from kubectl_nodedns.install.takeover import (
    adopted_cache,
    memory_of,
    recorded_options,
    refuse_other_address,
    with_adopted,
    with_labelled,
)
from tests.unit.install.samples import NOTHING, installed, pod
from tests.unit.install.test_adoption import adoption, daemonset, local_only

TOLD = replace(adoption(), carried=Carried(options={"cache-ttl": "60", "upstream": "1.1.1.1"}))


def test_without_an_installation_to_take_over_nothing_changes() -> None:
    memory = Memory(given={"mode": "iptables"})
    assert memory_of(memory, None, whole=False) is memory
    assert with_adopted(NOTHING, None, "") is with_labelled(NOTHING, None) is NOTHING
    refuse_other_address(None, "169.254.20.99")


def test_what_the_cache_was_told_stays_and_what_is_given_goes_before_it() -> None:
    memory = memory_of(Memory(given={"cache-ttl": "5"}, defaults=DEFAULTS), TOLD, whole=False)
    assert memory.given == {"cache-ttl": "5", "upstream": "1.1.1.1", "local-ip": TOLD.local_ip}


def test_of_a_configuration_file_only_the_address_stays() -> None:
    assert memory_of(Memory(), TOLD, whole=True).given == {"local-ip": TOLD.local_ip}


def test_an_address_that_clients_have_alone_is_not_left() -> None:
    refuse_other_address(adoption(), "169.254.20.99")
    alone = local_only()
    refuse_other_address(alone, alone.local_ip)
    with pytest.raises(RefusedError, match="nobody would answer there"):
        refuse_other_address(alone, "169.254.20.99")


def test_the_plan_sees_it_as_ours_and_the_removal_under_its_own_names() -> None:
    adopted = local_only()
    name = adopted.daemonset["metadata"]["name"]
    assert ("DaemonSet", "node-local-dns") in with_adopted(NOTHING, adopted, "o").objects
    assert ("DaemonSet", name) in with_labelled(NOTHING, adopted).objects
    assert set(with_adopted(NOTHING, adopted, "o").pods) == set(adopted.pods)


def test_a_pod_of_ours_goes_before_one_of_theirs() -> None:
    adopted = local_only()
    [node] = list(adopted.pods)[:1]
    live = replace(NOTHING, pods=dict([pod(node)]))
    assert with_adopted(live, adopted, "").pods[node] is live.pods[node]


def test_a_cache_is_adopted_until_its_template_is_ours() -> None:
    assert adopted_cache(NOTHING) is None
    assert adopted_cache(installed()) is None
    theirs = adoption().as_ours("")
    found = adopted_cache(replace(NOTHING, objects=theirs))
    assert found is not None
    assert found.name == "node-local-dns"


def test_a_run_that_was_killed_left_its_options() -> None:
    options = Memory(given={"mode": "ipvs"}).as_text()
    record = Record(daemonset=daemonset(), options=options)
    memory = recorded_options(record, "kube-system")
    assert memory is not None
    assert memory.given == {"mode": "ipvs"}
    assert recorded_options(None, "kube-system") is None
    assert recorded_options(replace(record, options=""), "kube-system") is None
