"""The command line of `enable` and `disable` becomes one frozen request at once."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from kubectl_nodedns.cli.parser import build_parser
from kubectl_nodedns.commands import disable, enable
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.install.requests import DisableRequest, EnableRequest, Wait

TOLD = ("--mode=iptables", "--local-ip=169.254.20.11", "--cluster-domain=k8s.test")


def enabling(*words: str) -> EnableRequest:
    return enable.read_request(build_parser().parse_args(["enable", *words]))


def disabling(*words: str) -> DisableRequest:
    return disable.read_request(build_parser().parse_args(["disable", *words]))


def test_nothing_given_asks_for_nothing_special() -> None:
    request = enabling()
    assert (request.given, request.canary, request.ignore) == ({}, {}, frozenset())
    assert (request.dry_run, request.inject, request.kube_dns_ip) == ("none", "", "")
    assert (request.wait, request.batch_size, request.output) == (None, None, None)
    assert request.timeout == 300.0
    assert not any([request.whole, request.upgrade, request.adopt, request.yes, request.diff])


def test_what_is_given_is_in_the_request_in_canonical_form() -> None:
    request = enabling(
        "--image-registry=mirror.example/", "--canary=b=2, a=1", "--adopt", "--timeout=1m", "--yes"
    )
    assert request.given == {"image-registry": "mirror.example"}
    assert request.canary == {"a": "1", "b": "2"}
    assert (request.adopt, request.timeout, request.yes) == (True, 60.0, True)


def test_a_request_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        enabling().force_conflicts = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("words", "wait"),
    [
        (["--wait"], Wait(text="0", limit=None)),
        (["--wait=90s"], Wait(text="90s", limit=90.0)),
    ],
)
def test_a_wait_has_a_limit_or_none(words: list[str], wait: Wait) -> None:
    assert enabling(*words).wait == wait


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--wait=soon"], "--wait"),
        (["--kube-dns-ip=10.96.0.10"], "--kube-dns-ip goes with --dry-run=client"),
        (["--diff", "--yes"], "--diff stands alone"),
        (["--diff", "--dry-run=server"], "--diff stands alone"),
        (["--canary=pool"], "is not of the form KEY=VALUE"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        enabling(*words)


@pytest.mark.parametrize("printing", [["--dry-run=client"], ["--inject=print"]])
def test_objects_that_are_only_printed_need_no_cluster_where_all_is_given(
    printing: list[str],
) -> None:
    assert enabling(*printing, *TOLD, "--kube-dns-ip=10.96.0.10").needs_no_cluster
    assert not enabling(*printing, *TOLD).needs_no_cluster
    for missing in TOLD:
        others = [word for word in TOLD if word != missing]
        assert not enabling(*printing, *others, "--kube-dns-ip=10.96.0.10").needs_no_cluster


def test_a_run_that_changes_something_needs_the_cluster() -> None:
    assert not enabling(*TOLD).needs_no_cluster
    assert not enabling("--dry-run=server", *TOLD).needs_no_cluster


def test_disable_is_asked_in_the_same_way() -> None:
    request = disabling("--now", "--dns-service=dns/coredns", "--batch-size=3")
    assert (request.now, request.orphans, request.adopt) == (True, False, False)
    assert (request.dns_service, request.batch_size) == ("dns/coredns", 3)
    with pytest.raises(UsageError, match="NAMESPACE/NAME"):
        disabling("--dns-service=coredns")
