"""Which distribution it is, and what a person has to do there."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.distribution import KUBEADM, OTHER, Distribution, of_nodes
from kubectl_nodedns.install.kubelet_rollout import steps


def node(version: str = "v1.37.2", image: str = "Debian", **labels: str) -> dict[str, Any]:
    info = {"kubeletVersion": version, "osImage": image}
    metadata = {"name": "node1", "labels": {key.replace("_", "/"): v for key, v in labels.items()}}
    return {"metadata": metadata, "status": {"nodeInfo": info}}


@pytest.mark.parametrize(
    ("seen", "name"),
    [
        (node("v1.36.1+k3s1"), "k3s"),
        (node("v1.36.1+rke2r1"), "RKE2"),
        (node("v1.35.2-eks-473151a"), "EKS"),
        (node("v1.36.0-gke.1200"), "GKE"),
        (node(**{"kops.k8s.io_instancegroup": "nodes"}), "kOps"),
        (node(**{"kubernetes.azure.com_cluster": "mc"}), "AKS"),
        (node(image="Talos (v1.11.0)"), "Talos"),
        (node() | {"spec": {"providerID": "kind://docker/kind/node1"}}, "kind"),
        (node(), OTHER),
    ],
)
def test_nodes_tell_the_distribution(seen: dict[str, Any], name: str) -> None:
    found = of_nodes([seen])
    assert found.name == name
    assert bool(found.evidence) == bool(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (KUBEADM, "kubeadm upgrade node phase kubelet-config"),
        ("k3s", 'kubelet-arg: ["cluster-dns=169.254.20.11"]'),
        ("RKE2", "/etc/rancher/rke2/config.yaml"),
        ("kOps", "spec.kubelet.clusterDNS: 169.254.20.11"),
        ("GKE", "--inject=install"),
        (OTHER, "clusterDNS of its KubeletConfiguration to [169.254.20.11]"),
    ],
)
def test_the_steps_are_those_of_the_distribution(name: str, words: str) -> None:
    text = "\n".join(steps(Distribution(name=name), "169.254.20.11"))
    assert words in text
    assert "resolv.conf that it was created with" in text
