"""`kubectl nodedns demo`: the main job on a cluster inside this process, by the product's commands.

The commands are run as a person would run them, with a kubeconfig that leads to the emulated API
server; they know nothing of it.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubectl_nodedns.cli.main import main
from kubectl_nodedns.cli.talk import Talk
from kubectl_nodedns.cluster.access import AccessOptions
from kubectl_nodedns.demo import faults, tour, world
from kubectl_nodedns.demo.cluster import Cluster, Options
from kubectl_nodedns.demo.exposition import read_version
from kubectl_nodedns.errors import Exit, NodednsError, UsageError
from kubectl_nodedns.interruptible import interruptible

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

LARGE = 50
"""With more nodes the cache is there from the start: a rollout would take too long to watch."""
BATCH = 4
"""Nodes that are switched at once, after the first."""
PORTS = 65535
LOCAL_IP = "169.254.20.10"
PATIENCE = 20.0
"""Seconds that faults may take to show, before a table is printed."""
SETTLE = 1.5
"""Seconds that pods ask after that."""


def run(arguments: argparse.Namespace) -> int:
    """Start the cluster, and do the main job on it or wait."""
    request = read_request(arguments)
    talk = Talk()
    with interruptible():
        installed = _finished() if request.cluster.nodes > LARGE else []
        with (
            tempfile.TemporaryDirectory(prefix="nodedns-demo-") as folder,
            _opened(request.cluster, installed) as cluster,
        ):
            kubeconfig = Path(folder) / "kubeconfig"
            kubeconfig.write_text(cluster.kubeconfig(), encoding="utf-8")
            _greet(cluster, str(kubeconfig), talk)
            if request.serve:
                cluster.trouble()
                return _serve(talk)
            return _main_job(cluster, str(kubeconfig), talk)


@dataclass(frozen=True, kw_only=True)
class DemoRequest:
    """What was asked for on the command line, checked."""

    cluster: Options
    """What cluster to emulate."""
    serve: bool
    """Whether it is only kept, until Ctrl-C."""


def read_request(arguments: argparse.Namespace) -> DemoRequest:
    """Check the options.

    Raises:
        UsageError: one of them cannot be used.
    """
    for field in fields(AccessOptions):
        if getattr(arguments, field.name, None):
            raise UsageError(
                f"--{field.name.replace('_', '-')} has no place here: demo brings its own cluster",
                hint="leave it out; the kubeconfig that demo writes is printed",
            )
    names = tuple(name.strip() for name in arguments.fault.split(",") if name.strip())
    wanted = {"all": faults.ALL, "none": ()}.get(arguments.fault, names)
    if unknown := sorted(set(wanted) - set(faults.ALL)):
        raise UsageError(
            f"--fault: there is no fault {unknown[0]!r}",
            hint=f"there are: {', '.join(faults.ALL)}, all, none",
        )
    try:
        read_version(arguments.coredns_version)
    except ValueError as error:
        raise UsageError(
            f"--coredns-version: {arguments.coredns_version!r} is not a version that demo can be",
            hint="write it as CoreDNS does, such as 1.13.2; 1.6.0 is the oldest",
        ) from error
    if arguments.speed <= 0:
        raise UsageError("--speed: not 0 or less")
    if not 0 <= arguments.port <= PORTS:
        raise UsageError(f"--port: {arguments.port} is no port")
    cluster = Options(
        nodes=arguments.nodes,
        seed=arguments.seed,
        speed=arguments.speed,
        coredns=arguments.coredns_version,
        faults=wanted,
        port=arguments.port,
    )
    return DemoRequest(cluster=cluster, serve=arguments.serve)


@contextlib.contextmanager
def _opened(options: Options, installed: list[dict[str, Any]]) -> Iterator[Cluster]:
    """Run a cluster.

    Raises:
        NodednsError: its port cannot be had.
    """
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(Cluster(options, installed))
        except OSError as error:
            raise NodednsError(
                f"the demo's API server cannot listen on port {options.port}: {error.strerror}",
                hint="choose another with --port, or leave it out",
            ) from error
        yield cluster


def _finished() -> list[dict[str, Any]]:
    """Return the objects of a finished installation, as `enable` prints them."""
    printed = io.StringIO()
    words = ["enable", "--dry-run=client", "-o", "json", "--mode", "iptables"]
    words += ["--local-ip", LOCAL_IP, "--kube-dns-ip", world.DNS_IP]
    words += ["--cluster-domain", world.DOMAIN]
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        main(words)
    return list(json.loads(printed.getvalue())["items"])


def _greet(cluster: Cluster, kubeconfig: str, talk: Talk) -> None:
    count = cluster.options.nodes
    talk.step("demo: a cluster inside this process; nothing of it is real")
    talk.note(f"API server  {cluster.url}")
    talk.note(f"nodes       {count}" + (", with the cache on each" if count > LARGE else ""))
    talk.note(f"kubeconfig  {kubeconfig}")
    for line in tour.beside(kubeconfig):
        talk.note(line)


def _serve(talk: Talk) -> int:
    talk.note("Ctrl-C ends it")
    threading.Event().wait()
    return Exit.OK


def _main_job(cluster: Cluster, kubeconfig: str, talk: Talk) -> int:
    """Enable, show, disable; the first that does not end well is the end."""
    large = cluster.options.nodes > LARGE
    change = ["--yes", "--batch-size", str(BATCH)]
    code = _command(["enable", *([] if large else change)], kubeconfig, talk)
    if code != Exit.OK:
        return code
    if large:
        cluster.trouble()
    with interruptible():
        code = _look(cluster, kubeconfig, talk)
    if code != Exit.OK:
        return code
    if large:
        talk.note("the cache stays, node by node it would take a while: the cluster ends with this")
    else:
        code = _command(["disable", *change], kubeconfig, talk)
    # Last, so that nothing pushes it off the screen.
    if lines := cluster.faults.lines():
        talk.step("what was wrong")
        talk.lines(f"          {line}" for line in lines)
    return code


def _look(cluster: Cluster, kubeconfig: str, talk: Talk) -> int:
    """Open the screen; without a terminal print the table when there is something to see."""
    if all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        for line in tour.before_screen(cluster.options.faults):
            talk.note(line)
        sys.stderr.write("press enter to open the screen ")
        sys.stderr.flush()
        sys.stdin.readline()
        return _command(["top"], kubeconfig, talk)
    talk.step("pods look names up")
    deadline = time.monotonic() + PATIENCE
    while cluster.faults_waiting and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(SETTLE)
    return _command(["top", "--once"], kubeconfig, talk)


def _command(words: list[str], kubeconfig: str, talk: Talk) -> int:
    """Run a command of the product as a person does."""
    talk.step(f"$ kubectl nodedns {' '.join(words)}")
    return main([*words, "--kubeconfig", kubeconfig])
