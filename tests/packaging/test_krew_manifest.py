from __future__ import annotations

import copy
import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.packaging.conftest import CONSOLE_SCRIPT, ROOT
from tests.packaging.krew import complaints, rendered

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = (ROOT / "krew-manifest.yaml").read_text()


def manifest() -> dict[str, Any]:
    document = yaml.safe_load(rendered(TEMPLATE, version="v1.2.3"))
    assert isinstance(document, dict)
    return document


def platforms() -> list[dict[str, Any]]:
    return list(manifest()["spec"]["platforms"])


def test_the_manifest_keeps_krews_rules() -> None:
    assert complaints(manifest()) == []


def test_no_placeholder_is_left_after_rendering() -> None:
    assert "{{" not in rendered(TEMPLATE, version="v1.2.3")


def test_every_address_holds_the_version_of_the_release() -> None:
    uris = [platform["uri"] for platform in platforms()]
    assert len(set(uris)) == len(uris)
    assert all("v1.2.3" in uri for uri in uris)


def test_the_plugin_is_called_by_its_name() -> None:
    assert f"kubectl-{manifest()['metadata']['name']}" == CONSOLE_SCRIPT
    assert {p["bin"].removesuffix(".exe") for p in platforms()} == {CONSOLE_SCRIPT}


def test_the_platforms_that_people_use_are_there() -> None:
    labels = [platform["selector"]["matchLabels"] for platform in platforms()]
    found = {(label["os"], label["arch"]) for label in labels}
    common = {(system, arch) for system in ("linux", "darwin") for arch in ("amd64", "arm64")}
    assert common <= found


def test_archives_are_flat_so_that_no_files_are_listed() -> None:
    assert all("files" not in platform for platform in platforms())


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["apiVersion"], "krew.googlecontainertools.github.com/v1alpha1", "apiVersion"),
        (["kind"], "Plug", "kind"),
        (["metadata", "name"], "NodeDNS", "name"),
        (["metadata", "name"], "kube-nodedns", "repeats kube"),
        (["spec", "version"], "1.2.3", "version"),
        (["spec", "version"], "v1.2", "version"),
        (["spec", "shortDescription"], "", "not one line"),
        (["spec", "shortDescription"], "two\nlines", "not one line"),
        (["spec", "shortDescription"], "x" * 51, "longer than 50"),
        (["spec", "description"], "x" * 81, "not wrapped"),
        (["spec", "platforms"], [], "no platforms"),
        (["spec", "platforms", 0, "sha256"], "ABCDEF01" * 8, "lower-case"),
        (["spec", "platforms", 0, "sha256"], "abc", "64"),
        (["spec", "platforms", 0, "uri"], "http://example.com/a.tar.gz", "no https"),
        (["spec", "platforms", 0, "bin"], "./kubectl-nodedns", "clean path"),
        (["spec", "platforms", 0, "bin"], "../kubectl-nodedns", "clean path"),
        (["spec", "platforms", 0, "files"], [], "files is empty"),
        (["spec", "platforms", 0, "files"], [{"from": "*", "to": "./x"}], "not clean"),
        (["spec", "platforms", 0, "selector"], {"matchLabels": {}}, "something else"),
        (["spec", "platforms", 0, "selector"], {"matchLabels": {"os": "plan9"}}, "nothing"),
        (["spec", "platforms", 0, "selector"], {"matchLabels": {"os": "darwin"}}, "overlaps"),
        (["spec", "platforms", 0, "selector"], {"matchLabels": {"libc": "musl"}}, "something else"),
    ],
)
def test_each_rule_is_looked_at(path: list[Any], value: object, said: str) -> None:
    broken = copy.deepcopy(manifest())
    place: Any = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    found = complaints(broken)
    assert any(said in complaint for complaint in found), found


def test_the_release_fills_the_manifest_with_the_checksums_of_its_archives(tmp_path: Path) -> None:
    for name in [p["uri"].rpartition("/")[2] for p in platforms()]:
        (tmp_path / name).write_text(name)
    words = ["scripts/render_krew_manifest.py", "--tag", "v1.2.3", "--archives", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    filled = yaml.safe_load(done.stdout)
    assert complaints(filled) == []
    for platform in filled["spec"]["platforms"]:
        name = platform["uri"].rpartition("/")[2]
        assert platform["sha256"] == hashlib.sha256(name.encode()).hexdigest()
    assert [p["uri"] for p in filled["spec"]["platforms"]] == [p["uri"] for p in platforms()]
