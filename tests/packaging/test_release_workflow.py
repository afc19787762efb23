"""The release workflow runs nothing that somebody else can change under it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.packaging.conftest import ROOT

FILE = ROOT / ".github" / "workflows" / "release.yml"
LOCKS = (ROOT / "requirements.lock", ROOT / ".github" / "release.lock")


def jobs() -> dict[str, dict[str, Any]]:
    found = yaml.safe_load(FILE.read_text())["jobs"]
    assert isinstance(found, dict)
    return found


def used(job: dict[str, Any]) -> list[str]:
    return [step["uses"] for step in job["steps"] if "uses" in step]


def test_each_action_is_github_s_own_and_of_one_commit() -> None:
    lines = [line for line in FILE.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    commits = {tuple(line.split("uses: ")[1].split("@")) for line in lines}
    assert len(commits) == len({action for action, _ in commits}), "one action at two commits"


def test_nobody_may_write_unless_the_job_says_so() -> None:
    assert yaml.safe_load(FILE.read_text())["permissions"] == {}
    for name, job in jobs().items():
        assert job["permissions"], name


def test_beside_a_right_to_publish_no_action_runs() -> None:
    publishing = {
        name: job
        for name, job in jobs().items()
        if job["permissions"].get("contents") == "write"
        or (job["permissions"].get("id-token") == "write" and name != "attest")
    }
    assert {*publishing} == {"publish", "package-index"}
    for name, job in publishing.items():
        assert used(job) == [], name
        own = "package-index" if name == "package-index" else "release"
        assert job["environment"] == own, name
    attest = jobs()["attest"]
    assert "contents" not in attest["permissions"]
    assert all(action.startswith("actions/attest-") for action in used(attest))


def test_every_tool_has_one_version() -> None:
    text = FILE.read_text()
    assert not re.search(r"\b(stable|latest)\b(?! ?;)", text.replace("--latest", "")), "not fixed"
    for name, job in jobs().items():
        runs = "\n".join(step.get("run", "") for step in job["steps"])
        for line in runs.splitlines():
            if "pip install" in line or "bin/pip" in line:
                assert "--require-hashes" in line or "--constraint" in line, f"{name}: {line}"
            assert "uvx" not in line, f"{name}: {line}"
        for step in job["steps"]:
            if "setup-go" in step.get("uses", ""):
                assert re.fullmatch(r"\d+\.\d+\.\d+", step["with"]["go-version"]), name


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_a_hash_for_everything_and_no_address(lock: Any) -> None:
    text = lock.read_text()
    assert "://" not in text
    entries = re.split(r"\n(?=[a-z0-9])", text.partition("\n")[2])
    pinned = [entry for entry in entries if "==" in entry]
    assert len(pinned) > 2
    assert all("--hash=sha256:" in entry for entry in pinned)
