"""How kubelets are told to hand pods another nameserver: steps for a person, by distribution.

This plugin changes no kubelet: the setting lives on the node, in the hands of whatever made the
node. A pod keeps the resolv.conf that it was created with, so every step ends with replacing pods.
"""

from __future__ import annotations

from kubectl_nodedns.facts.distribution import (
    AKS,
    EKS,
    GKE,
    K3S,
    KIND,
    KOPS,
    KUBEADM,
    RKE2,
    TALOS,
    Distribution,
)

_FIELD = "clusterDNS of its KubeletConfiguration"


def steps(distribution: Distribution, ip: str) -> list[str]:
    """Return the steps after which kubelets hand out `ip`, one a line.

    Sources: "Reconfiguring a kubeadm cluster" in the Kubernetes documentation, and the kubelet
    settings that each distribution documents.
    """
    specific = _STEPS.get(distribution.name, _other)(ip)
    return [
        *specific,
        (
            "one node at a time: drain it first, or replace its pods afterwards; a pod keeps the "
            "resolv.conf that it was created with"
        ),
    ]


def _kubeadm(ip: str) -> list[str]:
    return [
        (
            "kubectl -n kube-system edit configmap kubelet-config   # clusterDNS: "
            f"[{ip}], for nodes to come and for upgrades"
        ),
        "on each node: kubeadm upgrade node phase kubelet-config && systemctl restart kubelet",
        (
            "made by kubespray? Then set it in the inventory, or the next playbook sets it back: "
            "its own cache is enable_nodelocaldns with nodelocaldns_ip"
        ),
    ]


def _k3s(ip: str) -> list[str]:
    return [
        f'on each node, in /etc/rancher/k3s/config.yaml: kubelet-arg: ["cluster-dns={ip}"]',
        "(not cluster-dns alone: that is the address of the CoreDNS service)",
        "on each node: systemctl restart k3s, or k3s-agent",
    ]


def _rke2(ip: str) -> list[str]:
    return [
        f'on each node, in /etc/rancher/rke2/config.yaml: kubelet-arg: ["cluster-dns={ip}"]',
        "on each node: systemctl restart rke2-server, or rke2-agent",
    ]


def _kops(ip: str) -> list[str]:
    return [
        f"kops edit cluster   # spec.kubelet.clusterDNS: {ip}",
        "kops update cluster --yes && kops rolling-update cluster --yes",
    ]


def _talos(ip: str) -> list[str]:
    return [
        (
            "talosctl patch machineconfig --nodes NODE --patch "
            f'\'[{{"op": "add", "path": "/machine/kubelet/clusterDNS", "value": ["{ip}"]}}]\''
        )
    ]


def _eks(ip: str) -> list[str]:
    return [
        (
            f"in the node group's launch template: clusterDNS: [{ip}] under spec.kubelet.config of "
            "NodeConfig (Amazon Linux 2023), or settings.kubernetes.cluster-dns-ip (Bottlerocket)"
        ),
        "then replace the nodes",
    ]


def _managed(name: str) -> list[str]:
    return [
        (
            f"{name} does not let you set clusterDNS of its kubelets; use --inject=install "
            f"instead, or {name}'s own node-local cache"
        )
    ]


def _gke(_ip: str) -> list[str]:
    return _managed(GKE)


def _aks(_ip: str) -> list[str]:
    return _managed(AKS)


def _kind(ip: str) -> list[str]:
    return [
        (
            f"on each node (docker exec -it NODE bash): set clusterDNS: [{ip}] in "
            "/var/lib/kubelet/config.yaml, then systemctl restart kubelet"
        ),
    ]


def _other(ip: str) -> list[str]:
    return [f"on each node: set {_FIELD} to [{ip}], then restart the kubelet"]


_STEPS = {
    KUBEADM: _kubeadm,
    K3S: _k3s,
    RKE2: _rke2,
    KOPS: _kops,
    TALOS: _talos,
    EKS: _eks,
    GKE: _gke,
    AKS: _aks,
    KIND: _kind,
}
