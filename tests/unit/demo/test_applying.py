"""Server-side apply as the demo does it, by the rules of the real one."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_nodedns.demo.applying import Owned, apply, leaves, managed_fields, merge_patch
from kubectl_nodedns.demo.refusals import Refusal


def deployed(*containers: dict[str, Any], **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "a", "namespace": "b", "labels": labels},
        "spec": {"template": {"spec": {"containers": list(containers)}}},
    }


def owned(manager: str, obj: dict[str, Any], operation: str = "Apply") -> Owned:
    return Owned(manager, operation, "2026-01-01T00:00:00Z", leaves(obj))


def test_a_manager_owns_what_it_applies_and_nothing_of_the_servers() -> None:
    paths = leaves(deployed({"name": "c", "image": "i"}, app="x"))
    key = 'k:{"name":"c"}'
    inside = ("spec", "template", "spec", "containers", key)
    assert paths == {("metadata", "labels", "app"), (*inside, "name"), (*inside, "image")}


def test_a_field_that_is_no_longer_applied_goes() -> None:
    before = deployed({"name": "c", "image": "i", "tty": True}, app="x", old="y")
    after = apply(
        before,
        deployed({"name": "c", "image": "i"}, app="x"),
        "me",
        [owned("me", before)],
        force=False,
    )
    assert after["metadata"]["labels"] == {"app": "x"}
    assert after["spec"]["template"]["spec"]["containers"] == [{"name": "c", "image": "i"}]


def test_a_container_that_is_no_longer_applied_goes_as_a_whole() -> None:
    before = deployed({"name": "c", "image": "i"}, {"name": "d", "image": "j"})
    after = apply(
        before, deployed({"name": "c", "image": "i"}), "me", [owned("me", before)], force=False
    )
    assert [c["name"] for c in after["spec"]["template"]["spec"]["containers"]] == ["c"]


def test_what_others_own_stays() -> None:
    mine, theirs = deployed(app="x"), deployed(team="y")
    live = deployed(app="x", team="y")
    owners = [owned("me", mine), owned("they", theirs, "Update")]
    after = apply(live, deployed(), "me", owners, force=False)
    assert after["metadata"]["labels"] == {"team": "y"}


def test_a_field_of_another_manager_with_another_value_is_a_conflict_in_the_servers_words() -> None:
    live = deployed({"name": "c", "image": "i"})
    wanted = deployed({"name": "c", "image": "j"})
    owners = [owned("helm", live)]
    with pytest.raises(Refusal) as caught:
        apply(live, wanted, "me", owners, force=False)
    assert str(caught.value) == (
        'Apply failed with 1 conflict: conflict with "helm": '
        '.spec.template.spec.containers[name="c"].image'
    )
    assert caught.value.code == 409
    after = apply(live, wanted, "me", owners, force=True)
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "j"


def test_the_same_value_is_no_conflict() -> None:
    live = deployed(app="x")
    assert apply(live, live, "me", [owned("helm", live)], force=False) == live


def test_managed_fields_are_written_as_the_server_writes_them() -> None:
    [entry] = managed_fields([owned("me", {"data": {"a": "1"}})], "v1")
    assert entry["fieldsV1"] == {"f:data": {"f:a": {}}}
    assert (entry["manager"], entry["operation"]) == ("me", "Apply")


def test_a_merge_patch_takes_out_what_is_null() -> None:
    live = {"a": {"b": 1, "c": 2}, "d": [1, 2]}
    assert merge_patch(live, {"a": {"b": None}, "d": [3]}) == {"a": {"c": 2}, "d": [3]}
