"""The tours of the documents, typed as they stand there, on the cluster that the demo emulates."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kubectl_nodedns.demo.faults import ALL
from tests.docs.tours import (
    ENTER,
    ESCAPE,
    INTERRUPT,
    Do,
    Person,
    Step,
    commands,
    five_minutes,
    on_the_screen,
    section,
    walk,
)
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEMO = "docs/demo.md"
EXPORT = "export KUBECONFIG=/tmp/nodedns-demo-…/kubeconfig"


@pytest.fixture
def environment(home: Path) -> Mapping[str, str]:
    """That of a user with kubectl and the plugin on the PATH, and no kubeconfig."""
    programs = Path(sys.executable).parent
    # With its compiled modules, as for people: without them a start takes seconds.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return {**kept, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def first(environment: Mapping[str, str]) -> Iterator[Person]:
    with Person(environment) as person:
        yield person


@pytest.fixture
def second(environment: Mapping[str, str]) -> Iterator[Person]:
    with Person(environment) as person:
        yield person


def export(shown: str) -> str:
    """The documents' line for the second terminal, with the path that the demo printed."""
    found = re.search(r"export (KUBECONFIG=\S+/nodedns-demo-\w+/kubeconfig)", shown)
    assert found is not None, shown
    assert re.fullmatch(re.escape(EXPORT).replace("/tmp", ".*").replace("…", ".*"), found[0])
    return found[0]


def test_the_five_minutes_of_the_readme_on_the_demo(first: Person, second: Person) -> None:
    serve, exported, *typed = commands(section("README.md", "Five minutes"))
    assert exported == EXPORT
    first.begin(serve)
    second.take(export(first.see("Ctrl-C ends it", patience=PATIENCE)), Step())
    walk(second, typed, five_minutes(nodes=3))
    first.type(INTERRUPT)
    assert first.ended() == 130


def test_the_tour_of_the_demo(first: Person, second: Person) -> None:
    [start] = {c for c in commands(section(DEMO, "The demo")) if c.startswith("kubectl")}
    exported, *repairs = commands(section(DEMO, "The tour"))
    assert exported == EXPORT
    first.begin(start)
    path = export(first.see("kubernetes.default", patience=PATIENCE))
    first.do((Do("press enter to open the screen", ENTER),))
    *pressed, leave = on_the_screen(
        "ready 12",
        Do("ready 12", "f"),
        Do("r looks again", ESCAPE, gone="r looks again"),
        Do("ready 12", "z", gone="node1 "),
        Do("faults only", "z", gone="faults only"),
        Do("node1 ", "/"),
        Do("regular expression", f"node12{ENTER}", gone="node11 "),
        Do("node12 ", ESCAPE),
        Do("node11 ", ""),
    )
    first.do(tuple(pressed))

    second.take(path, Step())
    # A person takes longer to get here: memory runs out some seconds after the switch.
    killed = "kubectl -n kube-system get pods -o json | grep -q OOMKilled"
    second.take(f"until {killed}; do sleep 0.2; done", Step())
    walk(
        second,
        repairs,
        {
            "kubectl nodedns check --probe": [Step(sees=("ND020", "ND030", "OOMKilled"), code=1)],
            "kubectl nodedns enable --yes": [Step(sees=("repaired node", "12 of 12 nodes proved"))],
        },
    )

    first.do((leave,))
    assert first.ended() == 0, first.text
    assert all(re.search(rf"^ +{fault} +node", first.text, re.MULTILINE) for fault in ALL), (
        first.text
    )
    assert "disabled: 12 of 12 nodes proved clean" in first.text


def test_piped_the_demo_prints_what_happened_as_its_page_says(
    environment: Mapping[str, str],
) -> None:
    [piped] = commands(section(DEMO, "Without a terminal"))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", piped],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "enabled: 12 of 12 nodes proved" in done.stdout
    assert len(re.findall(r"^node\d+ .* Ready ", done.stdout, re.MULTILINE)) == 12
    assert "disabled: 12 of 12 nodes proved clean" in done.stdout


def test_the_demo_as_a_cluster_to_try_things_on(first: Person, second: Person) -> None:
    [serve] = commands(section(DEMO, "As a cluster to try things on"))
    first.begin(serve)
    second.take(export(first.see("Ctrl-C ends it", patience=PATIENCE)), Step())
    second.take("kubectl get nodes", Step(sees=("node12",)))
    first.type(INTERRUPT)
    assert first.ended() == 130
