"""The README's tour, typed as it stands there, on a real Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.docs.tours import Person, commands, five_minutes, section, walk

if TYPE_CHECKING:
    from tests.e2e.clusters import RealCluster
    from tests.e2e.conftest import KubectlCall, ProberCall
    from tests.e2e.plugin import Plugin


def test_the_five_minutes_of_the_readme(
    real_cluster: RealCluster,
    no_cache: None,
    nodedns: Plugin,
    prober: ProberCall,
    kubectl: KubectlCall,
) -> None:
    # The first two are about the demo; here the cluster of the kubeconfig is real.
    serve, exported, *typed = commands(section("README.md", "Five minutes"))
    assert serve.startswith("kubectl nodedns demo --serve ")
    assert exported.startswith("export KUBECONFIG=")
    with prober() as probing, Person(nodedns.environment) as person:
        walk(person, typed, five_minutes(len(real_cluster.node_names)))
    assert probing.lost("udp") == 0, probing.errors("udp")
    assert kubectl("get", "jobs", "-A", "-o", "name").strip() == ""
