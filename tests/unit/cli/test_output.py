from __future__ import annotations

import json

import pytest
import yaml

from kubectl_nodedns.cli.output import (
    print_data,
    print_json_line,
    print_lines,
    print_objects,
    print_outcome,
)
from kubectl_nodedns.lookup.proof import Verdict

OBJECTS = [
    {"apiVersion": "v1", "kind": "ConfigMap", "data": {"Corefile": '.:53 {\n    a "b"\n}\n'}},
    {"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 53}]}},
]
VERDICTS = [
    Verdict(node="node1", ok=True, text="its own cache answers"),
    Verdict(node="node2", ok=False, text="the marker is not answered"),
]


def test_objects_are_printed_as_yaml_documents_that_kubectl_can_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_objects(OBJECTS, "yaml")
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == OBJECTS


def test_a_corefile_is_printed_as_a_block_that_a_person_can_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_objects(OBJECTS, "yaml")
    out = capsys.readouterr().out
    assert '  Corefile: |\n    .:53 {\n        a "b"\n    }\n' in out


def test_keys_stay_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    print_objects(OBJECTS, "yaml")
    assert capsys.readouterr().out.startswith("apiVersion: v1\nkind: ConfigMap\ndata:\n")


def test_objects_are_printed_as_one_json_list(capsys: pytest.CaptureFixture[str]) -> None:
    print_objects(OBJECTS, "json")
    document = json.loads(capsys.readouterr().out)
    assert document == {"apiVersion": "v1", "kind": "List", "items": OBJECTS}


def test_an_outcome_is_a_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome("enabled", "enabled: 1 of 2 nodes", VERDICTS, {}, None)
    assert capsys.readouterr().out == "enabled: 1 of 2 nodes\n"


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_an_outcome_is_an_object_with_each_node_for_programs(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_outcome("enabled", "some words", VERDICTS, {"node3": "not ready"}, output)
    document = yaml.safe_load(capsys.readouterr().out)
    assert document == {
        "result": "enabled",
        "message": "some words",
        "nodes": [
            {"node": "node1", "proved": True, "detail": "its own cache answers"},
            {"node": "node2", "proved": False, "detail": "the marker is not answered"},
            {"node": "node3", "proved": False, "detail": "not ready"},
        ],
    }


@pytest.mark.parametrize("output", ["json", "yaml"])
@pytest.mark.parametrize(
    "text",
    [
        *("yes", "1.0", "null", "a: b", "tab\there", "esc \x1b[31m", "ü", " lead\ntrail ", ""),
        *("\u202eright to left ü", "\x9b31m", "\u2028", "a\x85b\nc\x7f", "\u200b\U000e0041"),
    ],
)
def test_texts_survive_their_format(
    text: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_data({"text": text}, output)
    out = capsys.readouterr().out
    read = json.loads if output == "json" else yaml.safe_load
    assert read(out) == {"text": text}
    assert out.replace("\n", "").isprintable()


def test_half_a_character_is_escaped_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json_line({"text": "\ud800"})
    assert capsys.readouterr().out == '{"text":"\\ud800"}\n'


def test_a_line_of_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_json_line({"a": "x\ny", "b": [1, {"c": None}]})
    assert capsys.readouterr().out == '{"a":"x\\ny","b":[1,{"c":null}]}\n'


def test_a_line_is_printable_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(["a\tb\x1b[2J\nverdict: fine\u202e", "c"])
    assert capsys.readouterr().out == "a\tb\\027[2J\\010verdict: fine\\226\\128\\174\nc\n"
