from __future__ import annotations

import pytest

from kubectl_nodedns.cluster.access import AccessOptions
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.metrics.columns import BY_KEY
from kubectl_nodedns.metrics.record import LARGEST
from kubectl_nodedns.top.top_request import (
    SMALLEST_RECORDING,
    choosing_words,
    column_named,
    recording_limit,
)
from tests.unit.top.requests import make_request


def test_what_is_known_of_the_cluster_fills_what_was_not_given() -> None:
    request = make_request(cluster_domain="given.example")
    assert request.cluster_facts == {"dns-service": "", "cluster-domain": "given.example"}
    known = request.knowing({"dns-service": "dns/mine", "cluster-domain": "given.example"})
    assert (known.dns_service, known.cluster_domain) == ("dns/mine", "given.example")
    assert known.dns_namespace == "dns"
    assert request.dns_namespace == "kube-system"


def test_nothing_known_is_nothing() -> None:
    known = make_request().knowing({})
    assert (known.dns_service, known.cluster_domain) == ("", "")


@pytest.mark.parametrize(("name", "key"), [(None, "node"), ("memory", "memory")])
def test_columns_are_chosen_by_their_keys(name: str | None, key: str) -> None:
    assert column_named(name) is BY_KEY[key]


def test_a_column_that_is_none_names_those_that_are() -> None:
    with pytest.raises(UsageError, match="there is no column 'colour'") as caught:
        column_named("colour")
    assert all(key in caught.value.hint for key in BY_KEY)


@pytest.mark.parametrize(
    ("text", "limit"), [("1Mi", SMALLEST_RECORDING), ("100Mi", 100 * 2**20), ("1Gi", LARGEST)]
)
def test_a_recording_has_a_limit(text: str, limit: int) -> None:
    assert recording_limit(text) == limit


@pytest.mark.parametrize("text", ["1023Ki", "1025Mi", "5", "much", "-1Mi", ""])
def test_a_limit_that_no_recording_can_have(text: str) -> None:
    with pytest.raises(UsageError, match="no size from 1Mi to 1Gi"):
        recording_limit(text)


def test_the_words_that_choose_the_cluster_hold_no_secret() -> None:
    access = AccessOptions(
        server="https://me:secret@10.0.0.1:6443", context="prod", token="t0ken", user="me"
    )
    words = choosing_words(access)
    assert words[:4] == ("--context", "prod", "--user", "me")
    assert words[4] == "--server"
    assert "10.0.0.1:6443" in words[5]
    assert not any("secret" in word or "t0ken" in word for word in words)
    assert choosing_words(AccessOptions()) == ()
