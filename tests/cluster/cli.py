"""The command line: `python -m tests.cluster up|down|status|kubeconfig|mode|exec|packages`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import TYPE_CHECKING

from tests.cluster.bring_up import DEFAULT_MODE, DEFAULT_NODES, MODES, up
from tests.cluster.cluster import Cluster, State
from tests.cluster.errors import ClusterError
from tests.cluster.layout import Layout
from tests.cluster.packages import install, missing_packages, requirements, wanted_packages
from tests.cluster.processes import of_cluster
from tests.cluster.programs import build, go_program, locked
from tests.cluster.progress import Progress
from tests.cluster.proxy_mode import switch_mode
from tests.cluster.readiness import is_healthy
from tests.cluster.tear_down import down

if TYPE_CHECKING:
    from collections.abc import Callable


def main(arguments: list[str]) -> int:
    """Run one command and return the exit status."""
    options = parser().parse_args(arguments)
    action: Callable[[argparse.Namespace, Layout], int] = options.action
    try:
        return action(options, Layout.at(options.dir))
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; `down` removes what has been started", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = argparse.ArgumentParser(
        prog="python -m tests.cluster",
        description="A Kubernetes cluster with real nodes, in network namespaces of this machine.",
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--dir", help="the cluster's directory (default: the repository's .cluster)"
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, action: Callable[..., int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[shared], help=text, description=text)
        added.set_defaults(action=action)
        return added

    starting = command("up", _up, "start the cluster, repair it, or add nodes to it")
    starting.add_argument("--nodes", type=int, help=f"how many nodes (default: {DEFAULT_NODES})")
    starting.add_argument(
        "--mode", choices=MODES, help=f"the mode of kube-proxy (default: {DEFAULT_MODE})"
    )
    command("down", _down, "end the cluster and remove everything of it but its logs")
    command("status", _status, "say what runs; the exit status is 0 when all of it works")
    command("kubeconfig", _kubeconfig, "print the path of the administrator's kubeconfig")
    command("build", _build, "bring the cluster's programs up to date, without starting it")
    preparing = command("prepare", _prepare, "install what is missing, where the cluster can run")
    preparing.add_argument("--build", action="store_true", help="and build the programs")
    switching = command("mode", _mode, "switch kube-proxy to another mode")
    switching.add_argument("mode", choices=MODES)
    executing = command("exec", _exec, "run a command in the namespaces of a node or of `control`")
    executing.add_argument("node")
    executing.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND [ARGUMENT ...]")
    packages = command("packages", _packages, "list the Debian packages that are missing here")
    packages.add_argument("--install", action="store_true", help="install them with apt-get")
    return whole


def _up(options: argparse.Namespace, layout: Layout) -> int:
    up(layout, options.nodes, options.mode)
    print(f"export KUBECONFIG={layout.kubeconfig}")
    return 0


def _down(_options: argparse.Namespace, layout: Layout) -> int:
    down(layout)
    return 0


def _status(_options: argparse.Namespace, layout: Layout) -> int:
    state = State.read(layout)
    if state is None:
        left = len(of_cluster(layout.root))
        print(f"no cluster in {layout.root}" + (f", but {left} processes: run `down`" * bool(left)))
        return 1
    print(f"{state.nodes} nodes, kube-proxy in {state.mode} mode, API server on port {state.port}")
    cluster = Cluster(layout)
    for name in ["control", *(node.name for node in cluster.nodes)]:
        print(f"{name}: {_services_line(cluster, name)}")
    healthy = is_healthy(cluster)
    print("healthy" if healthy else f"not healthy: run `up` to repair, or look into {layout.log}")
    return 0 if healthy else 1


def _services_line(cluster: Cluster, name: str) -> str:
    try:
        supervisor = cluster.supervisor(name)
    except ClusterError:
        return "not running"
    parts = [f"supervisor (pid {supervisor.pid})"]
    for path in sorted(cluster.layout.services(name).glob("*.json")):
        process = cluster.service_process(name, path.stem)
        parts.append(f"{path.stem} ({f'pid {process.pid}' if process else 'not running'})")
    return ", ".join(parts)


def _kubeconfig(_options: argparse.Namespace, layout: Layout) -> int:
    if not layout.kubeconfig.exists():
        raise ClusterError(f"there is no cluster in {layout.root}")
    print(layout.kubeconfig)
    return 0


def _build(_options: argparse.Namespace, _layout: Layout) -> int:
    with Progress().step("programs (the first build takes about ten minutes)"):
        print(build())
    return 0


def _prepare(options: argparse.Namespace, layout: Layout) -> int:
    """Install what is missing; where the cluster cannot run at all, the e2e tests will skip."""
    if sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") and go_program():
        missing = wanted_packages()
        if missing:
            print(f"installing with apt-get, for the tests: {' '.join(missing)}")
            install()
    reasons = requirements()
    if not reasons:
        return _build(options, layout) if options.build else 0
    print(f"the e2e tests cannot run here: {'; '.join(reasons)}", file=sys.stderr)
    return 1 if os.environ.get("CI", "").lower() == "true" else 0


def _mode(options: argparse.Namespace, layout: Layout) -> int:
    with locked(layout.lock):
        switch_mode(Cluster(layout), options.mode, Progress())
    return 0


def _exec(options: argparse.Namespace, layout: Layout) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise ClusterError("no command given: exec NODE -- COMMAND")
    words = Cluster(layout).command_in(options.node, command)
    os.execvp(words[0], words)


def _packages(options: argparse.Namespace, _layout: Layout) -> int:
    missing = missing_packages()
    print("\n".join(missing) if missing else "all packages are installed", file=sys.stderr)
    if options.install:
        install()
    for reason in requirements():
        print(reason, file=sys.stderr)
    return 1 if missing_packages() else 0
