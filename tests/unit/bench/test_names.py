from __future__ import annotations

import pytest

from kubectl_nodedns.bench.plan import MOST, read_names, usual
from kubectl_nodedns.errors import UsageError


def test_the_usual_names_are_of_four_kinds() -> None:
    names = usual(domain="cluster.local", kube_dns_ip="10.96.0.10", external="example.com")
    assert [(name.label, name.rtype) for name in names] == [
        ("cluster", "A"),
        ("external", "A"),
        ("missing", "A"),
        ("reverse", "PTR"),
    ]
    assert all(name.name.endswith(".") for name in names)
    assert len(usual(domain="x", kube_dns_ip="10.96.0.10", external="")) == 3


def test_a_file_holds_names_types_and_comments() -> None:
    names = read_names("# ours\napi.corp\n\nmail.corp mx  # post\nBÜCHER.example AAAA\n", file="f")
    assert [(name.name, name.rtype, name.label) for name in names] == [
        ("api.corp.", "A", "api.corp"),
        ("mail.corp.", "MX", "mail.corp MX"),
        ("xn--bcher-kva.example.", "AAAA", "xn--bcher-kva.example AAAA"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f has no name in it"),
        ("# nothing\n", "f has no name in it"),
        ("ok\na..b\n", "f, line 2"),
        ("a A B\n", "line 1: more than"),
        ("a NONSENSE\n", "record type"),
        ("a\n" * (MOST + 1), "is the most"),
    ],
)
def test_a_file_that_cannot_be_asked_for_is_refused_with_the_line(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_names(text, file="f")


def test_no_name_can_become_an_option_or_a_second_question_of_dig() -> None:
    for text in ("-f/etc/passwd", "+tcp", "@1.2.3.4", "$(id)", "*"):
        [name] = read_names(text, file="f")
        assert " " not in name.name
        assert "\n" not in name.name
