"""At which Corefiles a release of node-cache ends."""

from __future__ import annotations

import pytest

from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.facts.loading import loading_faults, version_of

IMAGE = "registry.k8s.io/dns/k8s-dns-node-cache:"


def said(text: str, tag: str = "1.26.8", *, image: str = IMAGE) -> list[str]:
    return [fault.text for fault in loading_faults(read_corefile(text).blocks, f"{image}{tag}")]


def test_the_usual_blocks_load() -> None:
    block = "{\n errors\n cache 30\n bind 192.0.2.1\n forward . 192.0.2.2\n}\n"
    assert said(f"cluster.local:53 {block}.:53 {block}", "1.15.6") == []


@pytest.mark.parametrize(
    ("line", "since", "before"),
    [
        ("template IN AAAA", "1.15.13", "1.15.12"),
        ("hosts", "1.17.0", "1.16.0"),
        ("rewrite name a b", "1.17.0", "1.16.0"),
        ("dns64", "1.21.3", "1.21.2"),
        ("bufsize 1232", "1.22.7", "1.22.6"),
        ("timeouts", "1.26.8", "1.26.7"),
    ],
)
def test_a_plugin_that_a_release_does_not_have_yet_is_said(
    line: str, since: str, before: str
) -> None:
    text = f".:53 {{\n {line}\n}}\n"
    assert said(text, since) == []
    (fault,) = said(text, before)
    assert f"is not in node-cache before {since}, and the block .:53 needs it" in fault


def test_a_plugin_that_is_never_compiled_in_is_said_whatever_the_tag_tells() -> None:
    text = ".:53 {\n autopath\n}\n"
    for tag in ("1.26.8", "1.15.6", "latest", "1.26.8@sha256:0"):
        assert said(text, tag) == ["autopath in the block .:53 is not compiled into node-cache"]


def test_of_newer_releases_and_other_images_plugins_are_not_judged() -> None:
    text = ".:53 {\n autopath\n}\n"
    assert said(text, "1.27.0") == []
    assert said(text, "1.0", image="example.test/dns:") == []


def test_stale_answers_are_verified_since_1_22_14() -> None:
    text = ".:53 {\n cache {\n  serve_stale 1h verify\n }\n}\n"
    assert said(text, "1.22.14") == []
    assert "does not verify stale answers" in said(text, "1.22.13")[0]
    assert said(text.replace(" verify", ""), "1.22.13") == []


@pytest.mark.parametrize(
    "other",
    [
        ".:53 {\n bind 192.0.2.1\n}\n",
        ". {\n bind 192.0.2.9 192.0.2.1\n}\n",
        "dns://.:53 {\n errors\n}\n",
    ],
)
def test_two_blocks_for_a_zone_at_one_address_are_too_many(other: str) -> None:
    (fault,) = said(f".:53 {{\n bind 192.0.2.1\n}}\n{other}")
    assert fault == "two server blocks of the Corefile are for the zone ."


@pytest.mark.parametrize(
    "other",
    [
        ".:53 {\n bind 192.0.2.9\n}\n",
        ".:1053 {\n bind 192.0.2.1\n}\n",
        "tls://.:53 {\n bind 192.0.2.1\n}\n",
        "example:53 {\n bind 192.0.2.1\n}\n",
    ],
)
def test_one_zone_at_two_addresses_ports_or_protocols_is_served(other: str) -> None:
    assert said(f".:53 {{\n bind 192.0.2.1\n}}\n{other}") == []


@pytest.mark.parametrize(
    ("image", "version"),
    [
        (f"{IMAGE}1.26.8", (1, 26, 8)),
        ("k8s.gcr.io/k8s-dns-node-cache-amd64:1.15.6", (1, 15, 6)),
        (f"{IMAGE}v1.22.1@sha256:00", (1, 22, 1)),
        ("602401143452.dkr.ecr/x/k8s-dns-node-cache:1.26.8-eks-1", (1, 26, 8)),
        (f"{IMAGE}latest", None),
        ("coredns/coredns:1.11.1", None),
    ],
)
def test_the_release_is_told_by_the_tag(image: str, version: tuple[int, ...] | None) -> None:
    assert version_of(image) == version
