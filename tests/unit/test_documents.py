"""YAML that is meant to be too much: aliases, depth, size, and values that are none."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_nodedns import documents
from kubectl_nodedns.documents import DEEPEST, MOST, DocumentError, compose, load, read_json
from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.facts.kube_proxy import mode_of_config
from kubectl_nodedns.facts.ranges import of_kubeadm
from kubectl_nodedns.install.config_file import read_config

if TYPE_CHECKING:
    from collections.abc import Callable

LEVELS = 12
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(LEVELS)
)
TOO_MUCH = {
    "aliases of aliases": BOMB,
    "an alias of itself": "a: &a [*a]",
    "many values": "[" + "x," * (MOST + 1) + "]",
    "deep in brackets": "[" * 5000,
    "deep in braces": "{a: " * 5000,
    "deep in dashes": "- " * 5000,
    "deep in questions": "? " * 5000,
}
NO_VALUE = {
    "a date that is none": "a: 2020-13-45",
    "a number of too many digits": f"a: {'1' * 5000}",
    "a time that is a list": "!!timestamp [a]",
    "a time that is none": "!!timestamp 9",
    "a list as a key": "? [a]\n: b",
    "an object of Python": "a: !!python/object/apply:os.system [id]",
    "an alias of nothing": "a: *b",
    "no YAML": "a: [",
    "a zero byte": "a: \x00",
}


@pytest.mark.parametrize("text", TOO_MUCH.values(), ids=TOO_MUCH)
@pytest.mark.parametrize("read", [compose, load])
def test_too_much_is_refused_before_anything_is_made_of_it(
    read: Callable[[str], object], text: str
) -> None:
    with pytest.raises(DocumentError, match=f"more than ({MOST}|{DEEPEST})"):
        read(text)


@pytest.mark.parametrize("text", NO_VALUE.values(), ids=NO_VALUE)
def test_what_is_no_value_is_told(text: str) -> None:
    with pytest.raises(DocumentError):
        load(text)


@pytest.mark.parametrize("text", [*TOO_MUCH.values(), *NO_VALUE.values()])
def test_a_configuration_file_of_it_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="--config: file") as caught:
        read_config(text, name="file")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("text", [*TOO_MUCH.values(), *NO_VALUE.values()])
def test_what_components_are_configured_with_is_then_not_known(text: str) -> None:
    assert mode_of_config(text) is None
    assert of_kubeadm({"data": {"ClusterConfiguration": text}}) == []


@pytest.mark.parametrize(
    "text",
    ["? [a]\n: b", "spec:\n  ? [a, b]\n  : c", "&k [x]: y", f"{BOMB}? *a{LEVELS}\n: b"],
)
def test_a_key_that_is_a_list_is_an_error_with_its_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"--config: file:\d+: ") as caught:
        read_config(
            f"apiVersion: nodedns/v1alpha1\nkind: NodeDNSConfiguration\n{text}", name="file"
        )
    assert len(str(caught.value)) < 1000


def test_aliases_are_read_where_they_stay_small() -> None:
    assert load("a: &a [1, 2]\nb: *a") == [{"a": [1, 2], "b": [1, 2]}]


@given(st.text(alphabet="[]{}:,-? \n&*!ab1|>'\"#%@\t", max_size=60))
def test_no_text_is_more_than_a_document_or_an_error(text: str) -> None:
    for read in (compose, load):
        with contextlib.suppress(DocumentError):
            read(text)


@pytest.mark.parametrize("mode", ["5", "[a]", "{a: b}", "true", "0b" + "1" * 20000])
def test_a_mode_that_is_no_text_is_not_known(mode: str) -> None:
    assert mode_of_config(f"kind: KubeProxyConfiguration\nmode: {mode}") is None


@pytest.mark.parametrize("subnet", ["5", "[a]", "0b" + "1" * 20000, "null"])
def test_a_subnet_that_is_no_text_is_not_known(subnet: str) -> None:
    text = f"networking:\n  serviceSubnet: {subnet}\n  podSubnet: 10.0.0.0/8"
    (one,) = of_kubeadm({"data": {"ClusterConfiguration": text}})
    assert one.cidr == "10.0.0.0/8"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (r'{"a\ud800": ["\udc00", "\ud83d\ude00"]}', {"a\ufffd": ["\ufffd", "\U0001f600"]}),
        (r'"\\ud800"', r"\ud800"),
        (b'"\xff"', "\ufffd"),
        ("1e999", float("inf")),
        ("[]", []),
    ],
)
def test_json_holds_no_half_of_a_character(text: str | bytes, read: object) -> None:
    assert read_json(text) == read


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "9" * 5000, "\x00", "words", b"\xff"])
def test_what_is_no_json_is_told(text: str | bytes) -> None:
    with pytest.raises(DocumentError):
        read_json(text)


def test_json_of_others_is_read_in_one_way() -> None:
    """But for the demo's, which is a server, and reads what the program itself sent or printed."""
    package = Path(documents.__file__).parent
    elsewhere = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bjson\.loads?\(|\.json\(", path.read_text())
    ]
    own = re.compile(r"demo/|commands/demo\.py|documents\.py")
    assert [path for path in elsewhere if not own.match(path)] == []


@pytest.mark.parametrize("read", [compose, load])
def test_yaml_with_half_of_a_character_is_refused(read: Callable[[str], object]) -> None:
    with pytest.raises(DocumentError, match="a character that is none"):
        read(r'a: "\ud800"')
