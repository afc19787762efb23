from __future__ import annotations

import pytest

from kubectl_nodedns.lookup.marker import Marker, read_marker
from kubectl_nodedns.lookup.question import Question
from tests.unit.lookup.samples import KUBE_DNS, POD, TARGET, bad, good, marker, none


def test_the_marker_names_node_and_pod() -> None:
    assert read_marker(marker(KUBE_DNS)) == Marker("node1", POD)


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "SERVFAIL", "REFUSED", "NOERROR"])
def test_a_response_without_records_is_no_marker(rcode: str) -> None:
    assert read_marker(bad(TARGET.mark(KUBE_DNS), rcode)) is None


def test_no_response_is_no_marker() -> None:
    assert read_marker(none(TARGET.mark(KUBE_DNS))) is None


@pytest.mark.parametrize("text", ['""', '"node1"', '"node1 "', '" uid"'])
def test_a_text_of_another_form_is_no_marker(text: str) -> None:
    assert read_marker(good(TARGET.mark(KUBE_DNS), text)) is None


def test_a_wildcard_address_is_no_marker() -> None:
    """Some resolvers answer every name with an address of their own."""
    question = Question(name=TARGET.marker, rtype="A", server=KUBE_DNS)
    assert read_marker(good(question, "192.0.2.1 something")) is None
