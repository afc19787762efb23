"""A configuration file is read strictly, and says the same as the command line."""

from __future__ import annotations

import importlib.util
import json
import re
from typing import Any

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.install.config_file import config_schema, read_config
from kubectl_nodedns.install.option_checks import KINDS, check, pairs_of
from kubectl_nodedns.install.option_forms import Form
from kubectl_nodedns.install.option_table import GROUPS, OPTIONS
from kubectl_nodedns.install.options import Memory
from tests.docs.documents import ROOT

HEAD = "apiVersion: nodedns/v1alpha1\nkind: NodeDNSConfiguration\n"
WHOLE = (
    HEAD
    + """\
spec:
  mode: nftables
  localIP: 169.254.20.11
  imageRegistry: mirror.example:5000/k8s
  pullSecrets: [one, two]
  healthPort: 8081
  upstreams: [10.0.0.53, "10.0.0.54:5353"]
  stubDomains:
    corp.example: [10.0.0.1, 10.0.0.2]
    a.example: ["[fd00::1]:53"]
  cacheTTL: 60
  serveStale: 1h
  prefetch: 5
  nodeSelector: {pool: a, zone: b}
  tolerations:
    - {key: dedicated, operator: Equal, value: dns, effect: NoSchedule}
    - {key: gpu, operator: Exists}
  labels: {team: platform}
  podAnnotations: {example.org/owner: "me, or you"}
  memoryLimit: 1024Mi
  cpuLimit: null
  extraBlocks: |
    other.example:53 {
        bind __PILLAR__LOCAL__DNS__
        forward . 10.0.0.9
    }
"""
)


def read(text: str) -> dict[str, str]:
    return read_config(text, name="nodedns.yaml")


def test_a_whole_file_gives_options_in_the_form_of_the_command_line() -> None:
    found = read(WHOLE.replace('"me, or you"', "me"))
    assert found["stub-domain"] == "a.example=[fd00::1]:53;corp.example=10.0.0.1,10.0.0.2"
    assert found["toleration"] == "dedicated=dns:NoSchedule,gpu"
    assert found["memory-limit"] == "1Gi"
    assert found["pull-secret"] == "one,two"
    assert found["upstream"] == "10.0.0.53,10.0.0.54:5353"
    assert found["node-selector"] == "pool=a,zone=b"
    assert found["extra-blocks"].startswith("other.example:53 {\n")
    assert "cpu-limit" not in found
    for name, value in found.items():
        assert check(name, value) == value


def test_a_file_with_nothing_but_its_head_gives_nothing() -> None:
    assert read(HEAD) == {}
    assert read(HEAD + "spec:\n") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "spec:\n  locallIP: 1.2.3.4\n", "nodedns.yaml:4: unknown key spec.locallIP"),
        (HEAD + "spce: {}\n", "nodedns.yaml:3: unknown key spce"),
        (HEAD + "spec:\n  cacheTTL: soon\n", "nodedns.yaml:4: spec.cacheTTL: 'soon' is not"),
        (HEAD + "spec:\n  cacheTTL: [1]\n", "spec.cacheTTL is not a single value"),
        (HEAD + "spec:\n  upstreams: 1.1.1.1\n", "spec.upstreams is not a list"),
        (HEAD + "spec:\n  labels: [a]\n", "spec.labels is not a map"),
        (HEAD + "spec:\n  prefetch: 1\n  prefetch: 2\n", ":5: spec.prefetch stands twice"),
        (HEAD + "spec:\n  tolerations:\n    - {kay: a}\n", "unknown key spec.tolerations[0].kay"),
        (HEAD + "spec:\n  tolerations:\n    - {operator: In}\n", "neither Equal nor Exists"),
        (HEAD + "spec:\n  localIP: 127.0.0.1\n", "127.0.0.1 cannot be an address"),
        (HEAD + "spec: [\n", "it is not YAML"),
        (HEAD.replace("v1alpha1", "v9"), ":1: apiVersion must be nodedns/v1alpha1"),
        (HEAD.replace("Node", "Note"), ":2: kind must be"),
        ("", "it holds 0 documents"),
        (HEAD + "---\n" + HEAD, "it holds 2 documents"),
        ("[1]", "the document is not a map"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        read(text)
    assert str(caught.value).startswith("--config: nodedns.yaml")


def test_every_option_has_a_check_a_group_and_a_property_in_the_schema() -> None:
    properties = config_schema()["properties"]["spec"]["properties"]
    for option in OPTIONS:
        assert option.kind in KINDS
        assert option.group in GROUPS
        several = KINDS[option.kind].form in (Form.LIST, Form.LISTS, Form.TAINTS)
        assert bool(option.joint) is several, option.name
        assert properties[option.key]["description"] == option.text
        if option.default:
            assert check(option.name, option.default) == option.default


def test_the_schema_in_the_documents_is_up_to_date() -> None:
    path = ROOT / "scripts" / "write_config_schema.py"
    spec = importlib.util.spec_from_file_location("write_config_schema", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.FILE.read_text() == module.page(), f"write it with: {module.COMMAND}"
    assert json.loads(module.page())["properties"]["spec"]["additionalProperties"] is False


def test_the_example_in_the_documents_is_a_good_file() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(read(example)) > 5


@pytest.mark.parametrize(
    "value", ["me, or you", '{"a": 1, "b": [2]}', "x,b=y", " padded ", "two\nlines", "a=b", ""]
)
def test_an_annotation_of_a_file_is_what_the_pods_get(value: str) -> None:
    """A comma does not cut it, and what looks like JSON is text."""
    found = read(HEAD + f"spec:\n  podAnnotations: {{a.example/b: {json.dumps(value)}, z: y}}\n")
    text = found["pod-annotations"]
    assert pairs_of(text) == {"a.example/b": value, "z": "y"}
    assert check("pod-annotations", text) == text
    memory = Memory.of_text(Memory(given=found).as_text())
    assert (memory.given, memory.wrong) == (found, {})


def test_annotations_without_commas_are_remembered_as_older_versions_read_them() -> None:
    assert read(HEAD + "spec:\n  podAnnotations: {z: y, a: b}\n")["pod-annotations"] == "a=b,z=y"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('{"a": 1}', "a value is no text"),
        ('{"a": ', "is no JSON object"),
        (r'{"a": "\u001b[2J"}', r"there is a character '\x1b' in it"),
        ('{"app.kubernetes.io/name": "x, y"}', "is written by this plugin itself"),
        ('{"b c": "x"}', "is not of the form KEY=VALUE"),
    ],
)
def test_json_is_checked_as_pairs_are(value: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        check("pod-annotations", value)


@pytest.mark.parametrize("key", ["labels", "nodeSelector"])
def test_a_comma_in_a_label_is_refused_and_makes_no_second_one(key: str) -> None:
    with pytest.raises(UsageError, match=f"spec.{key}: 'a=x,b=y' is not of the form KEY=VALUE"):
        read(HEAD + f'spec:\n  {key}: {{a: "x,b=y"}}\n')


@pytest.mark.parametrize("spec", ["labels: {[a]: b}", "? [a]\n  : b", "tolerations: [{[a]: b}]"])
def test_a_list_as_a_key_is_named_with_its_line(spec: str) -> None:
    with pytest.raises(UsageError, match=r"nodedns.yaml:4: a key of .* is not a single value"):
        read(f"{HEAD}spec:\n  {spec}\n")
