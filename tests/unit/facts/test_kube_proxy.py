"""kube-proxy's mode, from the objects of those who install it."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.facts.kube_proxy import kube_proxy_of, mode_of_config, templates_of

HEAD = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n"


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ("mode: iptables", "iptables"),
        ('mode: "nftables"', "nftables"),
        ("mode: ipvs", "ipvs"),
        ("mode: IPVS", "ipvs"),
        ('mode: ""', "iptables"),
        ("mode:", "iptables"),
        ("mode: null", "iptables"),
        ("clusterCIDR: 10.244.0.0/16", "iptables"),
    ],
)
def test_the_mode_is_read_and_an_empty_one_means_iptables(line: str, mode: str) -> None:
    """kubeadm writes `mode: ""`, which kube-proxy takes as iptables on Linux."""
    assert mode_of_config(f"{HEAD}{line}\nbindAddress: 0.0.0.0\n") == mode


def test_the_configuration_is_found_among_other_documents() -> None:
    assert mode_of_config(f"kind: Other\nmode: ipvs\n---\n{HEAD}mode: nftables\n") == "nftables"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "kind: Config\nmode: ipvs\n",
        "- a\n- list\n",
        "kind: [unclosed",
        "key: value: other",
        "\tkind: KubeProxyConfiguration",
        "!!python/object:os.system {}",
    ],
)
def test_what_is_no_kube_proxy_configuration_tells_nothing(text: str) -> None:
    assert mode_of_config(text) is None


def spec(*words: str, mount: str = "", configmap: str = "", **volume: Any) -> dict[str, Any]:
    """A pod specification of kube-proxy, its configuration mounted at `mount`."""
    source = {"configMap": {"name": configmap}} if configmap else volume
    return {
        "containers": [
            {"name": "log", "command": ["tail", "--proxy-mode=userspace"]},
            {
                "name": "kube-proxy",
                "command": ["kube-proxy", *words],
                "volumeMounts": [{"name": "conf", "mountPath": mount}] if mount else [],
            },
        ],
        "volumes": [{"name": "conf", **source}] if mount else [],
    }


def told(*specs: dict[str, Any], **data: dict[str, str]) -> tuple[str, str]:
    """Mode and evidence of kube-proxy with these specifications and ConfigMaps."""
    templates = [(f"pod kube-system/p{n}", one) for n, one in enumerate(specs)]
    found = kube_proxy_of(templates, {name.replace("_", "-"): d for name, d in data.items()})
    assert found is not None
    return found.mode, found.evidence


IPVS, EMPTY = f"{HEAD}mode: ipvs\n", f"{HEAD}mode: ''\n"
CONFIG = "--config=/var/lib/kube-proxy-config/config"
EKS = {"mount": "/var/lib/kube-proxy-config/", "configmap": "kube-proxy-config"}


def test_the_file_of_config_is_read_where_it_is_mounted_from() -> None:
    kubeconfig = {"kubeconfig": "kind: Config\n"}
    mode, evidence = told(
        spec(CONFIG, **EKS), kube_proxy=kubeconfig, kube_proxy_config={"config": IPVS}
    )
    assert (mode, evidence) == ("ipvs", "ConfigMap kube-system/kube-proxy-config, config")


def test_beside_a_file_the_flag_counts_for_nothing() -> None:
    """As in Kubernetes 1.37.2: with --config all else on the command line is passed over."""
    given = spec(CONFIG, "--proxy-mode=iptables", **EKS)
    assert told(given, kube_proxy_config={"config": IPVS})[0] == "ipvs"
    given = spec(CONFIG, "--proxy-mode=ipvs", **EKS)
    mode, evidence = told(given, kube_proxy_config={"config": EMPTY})
    assert (mode, "(an empty mode)" in evidence) == ("iptables", True)


def test_a_file_that_no_configmap_gives_leaves_the_mode_open() -> None:
    """The flag beside it, or another ConfigMap, would be a guess."""
    on_node = spec(CONFIG, "--proxy-mode=iptables", mount="/var/lib", hostPath={"path": "/var"})
    mode, evidence = told(on_node, kube_proxy={"config.conf": IPVS})
    assert (mode, "which no ConfigMap is mounted as" in evidence) == ("", True)
    mode, evidence = told(spec(CONFIG, **EKS), kube_proxy_config={"config": "no: such"})
    assert (mode, "is no KubeProxyConfiguration" in evidence) == ("", True)


def test_without_a_file_the_flag_tells_and_without_both_the_default() -> None:
    data = {"config.conf": IPVS}
    assert told(spec("--proxy-mode", "nftables"), kube_proxy=data)[0] == "nftables"
    mode, evidence = told(spec("--cluster-cidr=10.4.0.0/14"), kube_proxy=data)
    assert (mode, "pod kube-system/p0 has no --proxy-mode" in evidence) == ("iptables", True)


def test_pods_that_differ_leave_the_mode_open() -> None:
    mode, evidence = told(spec("--proxy-mode=ipvs"), spec("--proxy-mode=iptables"))
    assert mode == ""
    assert "ipvs (--proxy-mode of pod kube-system/p0)" in evidence
    assert "iptables (--proxy-mode of pod kube-system/p1)" in evidence


@pytest.mark.parametrize("name", ["kube_proxy", "kube_proxy_config"])
def test_without_pods_a_configmap_by_its_usual_name_tells(name: str) -> None:
    assert told(**{name: {"any": IPVS}})[0] == "ipvs"
    assert kube_proxy_of([], {"other": {"config": IPVS}}) is None


def test_what_runs_on_windows_or_has_ended_says_nothing() -> None:
    pod = {"metadata": {"name": "p"}, "spec": spec("--proxy-mode=ipvs")}
    windows = {"metadata": {"name": "w"}, "spec": {"nodeSelector": {"kubernetes.io/os": "windows"}}}
    ended = {"metadata": {"name": "e"}, "spec": {}, "status": {"phase": "Failed"}}
    assert [where for where, _ in templates_of("pod", [windows, ended, pod])] == [
        "pod kube-system/p"
    ]
