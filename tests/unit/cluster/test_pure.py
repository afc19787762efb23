"""The parts of the test cluster that need no cluster."""

from __future__ import annotations

import json
import os
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.cluster import packages, seed
from tests.cluster.archive import Image, merged, write
from tests.cluster.bring_up import decide, manifest
from tests.cluster.cluster import State
from tests.cluster.errors import ClusterError, tail
from tests.cluster.layout import DNS_SERVICE_IP, Layout, Node
from tests.cluster.node import cni_config, containerd_config, kubelet_config
from tests.cluster.programs import linker_flags
from tests.cluster.proxy_mode import modes_with_rules, set_mode
from tests.cluster.tear_down import mounts_below


def test_nothing_that_is_seen_outside_is_shared_by_two_roots() -> None:
    one, two = Layout.at("/tmp/one"), Layout.at("/tmp/two")
    assert one.cgroup != two.cgroup
    assert Layout.at("/tmp/one").id == one.id


def test_a_node_follows_from_its_number() -> None:
    node = Node(3)
    assert (node.name, node.ip, node.pod_range) == ("node3", "10.88.0.13", "10.244.3.0/24")


@pytest.mark.parametrize(
    ("before", "nodes", "mode", "expected"),
    [
        (None, None, None, State(3, "iptables", 0)),
        (None, 5, "nftables", State(5, "nftables", 0)),
        (State(2, "nftables", 9), None, None, State(2, "nftables", 9)),
        (State(2, "iptables", 9), 4, "nftables", State(4, "nftables", 9)),
    ],
)
def test_up_goes_on_from_the_state_before(
    before: State | None, nodes: int | None, mode: str | None, expected: State
) -> None:
    assert decide(before, nodes, mode) == expected


@pytest.mark.parametrize("nodes", [-1, 1, 10_000])
def test_up_refuses_fewer_nodes_and_numbers_that_make_no_sense(nodes: int | None) -> None:
    with pytest.raises(ClusterError):
        decide(State(2, "iptables", 9), nodes, None)


@pytest.mark.parametrize("name", ["kube-proxy", "coredns"])
def test_manifests_are_complete_once_filled_in(name: str) -> None:
    objects = list(yaml.safe_load_all(manifest(name, "nftables")))
    assert all(found["kind"] for found in objects)
    text = manifest(name, "nftables")
    assert not [
        word for word in ("$MODE", "$IMAGE", "$SERVER", "$DNS_IP", "$DOMAIN") if word in text
    ]


def test_kube_proxy_reads_its_mode_from_the_config_map() -> None:
    objects = yaml.safe_load_all(manifest("kube-proxy", "nftables"))
    config_map = next(found for found in objects if found["kind"] == "ConfigMap")
    config = config_map["data"]["config.conf"]
    assert yaml.safe_load(config)["mode"] == "nftables"
    assert yaml.safe_load(set_mode(config, "iptables"))["mode"] == "iptables"


def test_a_configuration_without_mode_is_not_guessed_at() -> None:
    with pytest.raises(ClusterError):
        set_mode("kind: KubeProxyConfiguration\n", "iptables")


@pytest.mark.parametrize(
    ("iptables", "nftables", "expected"),
    [
        ("-A KUBE-SERVICES -d 10.96.0.10/32 -j KUBE-SVC-X", "", {"iptables"}),
        (":KUBE-SERVICES - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]", "table ip mangle", set()),
        ("", "table ip filter\ntable ip kube-proxy", {"nftables"}),
        ("-A KUBE-SVC-X -j KUBE-SEP-Y", "table ip kube-proxy", {"iptables", "nftables"}),
    ],
)
def test_rules_tell_the_mode(iptables: str, nftables: str, expected: set[str]) -> None:
    assert modes_with_rules(iptables, nftables) == expected


def test_mounts_below_a_folder_are_found_and_no_others() -> None:
    lines = [
        "1 0 8:1 / / rw - ext4 /dev/x rw",
        "2 1 0:2 / /tmp/one rw - tmpfs tmpfs rw",
        "3 1 0:3 / /tmp/one/a\\040b rw - tmpfs tmpfs rw",
        "4 1 0:4 / /tmp/oneself rw - tmpfs tmpfs rw",
    ]
    assert mounts_below(Path("/tmp/one"), "\n".join(lines)) == ["/tmp/one", "/tmp/one/a b"]


def test_an_error_shows_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    text = str(ClusterError("it failed", log))
    assert "it failed" in text
    assert str(log) in text
    assert "line 99" in text
    assert "line 50" not in text


def test_a_missing_or_empty_log_is_said_to_be_so(tmp_path: Path) -> None:
    assert "no such log" in tail(tmp_path / "none")
    (tmp_path / "empty").touch()
    assert "empty" in tail(tmp_path / "empty")


def test_kubernetes_is_told_its_version() -> None:
    assert "gitVersion=v1.37.2" in linker_flags()
    assert "gitMinor=37" in linker_flags()


def test_node_configuration_keeps_to_the_node() -> None:
    layout, node = Layout.at("/tmp/one"), Node(2)
    kubelet = kubelet_config(layout, node, DNS_SERVICE_IP)
    assert kubelet["cgroupRoot"] == f"/{layout.cgroup}/node2"
    assert kubelet["address"] == "10.88.0.12"
    assert "10.244.2.0/24" in json.dumps(cni_config(node))
    assert 'root = "/tmp/one/containerd"' in containerd_config(Path("/tmp/one/containerd"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/bin/sh", "usr/bin/sh"),
        ("/lib64/ld.so", "usr/lib64/ld.so"),
        ("/usr/bin/x", "usr/bin/x"),
        ("/etc/a", "etc/a"),
        ("/usr/lib/../bin/x", "usr/bin/x"),
    ],
)
def test_paths_follow_the_merged_folders(path: str, expected: str) -> None:
    assert merged(path) == expected


def image(folder: Path, content: str = "x") -> Image:
    (folder / "file").write_text(content)
    files = {"/opt/deep/file": folder / "file"}
    return Image(("example.test/a:1", "example.test/a:2"), ("/x",), files, (), {"/bin/l": "file"})


def test_an_image_archive_holds_files_links_and_names(tmp_path: Path) -> None:
    write(image(tmp_path), tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as outer:
        manifest_file = outer.extractfile("manifest.json")
        assert manifest_file is not None
        listing = json.load(manifest_file)[0]
        assert listing["RepoTags"] == ["example.test/a:1", "example.test/a:2"]
        with tarfile.open(fileobj=outer.extractfile(listing["Layers"][0])) as layer:
            names = layer.getnames()
            assert layer.getmember("usr/bin/l").linkname == "file"
            assert layer.getmember("tmp").mode == 0o1777
    assert names.index("opt") < names.index("opt/deep") < names.index("opt/deep/file")
    assert len(names) == len(set(names))


def test_the_seed_is_named_by_content_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODEDNS_TEST_CACHE", str(tmp_path / "cache"))
    first = seed.seed_directory([image(tmp_path)])
    assert seed.seed_directory([image(tmp_path)]) == first
    assert seed.seed_directory([image(tmp_path, "y")]) != first


def test_a_planted_root_shares_layers_and_owns_databases(tmp_path: Path) -> None:
    source = tmp_path / "seed"
    (source / "a").mkdir(parents=True)
    (source / "a" / "layer").write_text("layer")
    (source / "a" / "meta.db").write_text("database")
    seed.plant(source, tmp_path / "node" / "root")
    planted = tmp_path / "node" / "root" / "a"
    assert (planted / "layer").stat().st_ino == (source / "a" / "layer").stat().st_ino
    assert (planted / "meta.db").stat().st_ino != (source / "a" / "meta.db").stat().st_ino
    assert (planted / "meta.db").read_text() == "database"


def test_missing_things_are_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing_packages", lambda: ["runc"])
    monkeypatch.setattr(packages, "go_program", lambda: None)
    monkeypatch.setattr(packages, "kubectl_program", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    text = "; ".join(packages.requirements())
    for word in ("root", "Go", "kubectl", "runc", "packages --install"):
        assert word in text


def test_another_system_is_the_only_reason_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert len(packages.requirements()) == 1
