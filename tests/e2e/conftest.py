"""Hands e2e tests a real Kubernetes: the test cluster of this repository, or a developer's own.

    pytest -n 3 tests/e2e                             each worker starts a cluster, and ends it
    pytest tests/e2e                                  the test cluster, started when it is not up
    pytest tests/e2e --keep-cluster                   the same, and it stays up afterwards
    pytest tests/e2e --kubeconfig-e2e ~/.kube/config  a cluster that is there already

A test cluster that was up before the tests stays up after them. Where it cannot run, the tests
are skipped with the reason; with CI=true that is a failure, for a pipeline that silently tests
nothing is worse than a red one.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.cluster.bring_up import DEFAULT_NODES, MODES
from tests.cluster.errors import ClusterError
from tests.cluster.images import TOOL_BOX_IMAGE
from tests.cluster.kubectl import Kubectl, kubectl_program
from tests.cluster.layout import DNS_SERVICE_IP
from tests.cluster.packages import requirements
from tests.cluster.readiness import is_healthy
from tests.e2e.clusters import RealCluster, directory, keep_logs, own_cluster
from tests.e2e.end_state import KINDS, OURS
from tests.e2e.nodes import OwnNodes, nodes_of, proxy_mode_of
from tests.e2e.official_addon import RULES_PER_ADDRESS, addon, wait_for
from tests.e2e.plugin import Plugin
from tests.e2e.prober import Prober, Probing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

RULE_COMMENT = "NodeLocal DNS Cache"
LINK = "nodelocaldns"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


class KubectlCall(Protocol):
    """`kubectl(*arguments)`: parsed JSON after `-o json`, else text."""

    def __call__(self, *arguments: str, stdin: str | None = None) -> Any: ...


class ProberCall(Protocol):
    """`with prober() as probing: ...`: probes on every node meanwhile, counts afterwards.

    Rates are lookups a second on each node. The usual ones notice any gap of some 20 ms; the main
    job asks at a higher rate, for the count of lost lookups that the documents quote.
    """

    def __call__(
        self, server: str = DNS_SERVICE_IP, *, udp_rate: int = 40, tcp_rate: int = 10
    ) -> AbstractContextManager[Probing]: ...


@pytest.fixture(scope="session")
def real_cluster(request: pytest.FixtureRequest) -> Iterator[RealCluster]:
    """The cluster that the tests run against: three nodes, or as many as `clusters.nodes` says."""
    option = request.config.getoption
    if given := option("--kubeconfig-e2e", default=None):
        kubectl = Kubectl(Path(given).resolve())
        _require([] if kubectl_program() else ["it needs kubectl, and there is none"])
        yield RealCluster(kubectl.kubeconfig, kubectl, nodes_of(kubectl))
        return
    _require(requirements())
    count = getattr(request, "param", DEFAULT_NODES)
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    root = directory(count, worker, option("--cluster-dir", default=None))
    with own_cluster(root, count, keep=option("--keep-cluster", default=False)) as cluster:
        yield cluster


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, Any]:
    """Have a failing test say on which cluster it failed, and keep that cluster's logs."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("real_cluster")
    if report.failed and cluster is not None:
        try:
            said = keep_logs(cluster, item.nodeid)
        except (ClusterError, OSError) as error:
            said = f"{cluster.kubeconfig}: {error}"
        report.sections.append(("the cluster", said))
    return report


@pytest.fixture(scope="session")
def runnable_here() -> None:
    """For tests that start clusters of their own: skips where none can run."""
    _require(requirements())


def _require(reasons: list[str]) -> None:
    """Skip for these reasons; in CI they are failures."""
    if not reasons:
        return
    text = "no cluster for e2e tests: " + "; ".join(reasons)
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(text, pytrace=False)
    pytest.skip(text)


_back_to_usual: list[Callable[[], None]] = []
"""How kube-proxy gets its usual mode back, while it is in another."""


@pytest.fixture(scope="session", params=MODES)
def proxy_mode(real_cluster: RealCluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """The mode of kube-proxy: a test that asks for it runs once in each."""
    before = proxy_mode_of(real_cluster.kubectl)
    if before is None:
        pytest.skip("the cluster has no kube-proxy as kubeadm installs it")
    if request.param != before:
        real_cluster.nodes.set_proxy_mode(request.param)
        _back_to_usual.append(partial(real_cluster.nodes.set_proxy_mode, before))
    yield request.param
    _restore_mode()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give a test that asks for no mode the usual one: pytest keeps the last one till the end."""
    if "proxy_mode" not in getattr(item, "fixturenames", ()):
        _restore_mode()


def _restore_mode() -> None:
    while _back_to_usual:
        _back_to_usual.pop()()


@pytest.fixture
def kubectl(real_cluster: RealCluster) -> KubectlCall:
    """kubectl with the cluster's kubeconfig; raises ClusterError with what kubectl said."""

    def call(*arguments: str, stdin: str | None = None) -> Any:
        output = real_cluster.kubectl.run(*arguments, stdin=stdin)
        wants_json = "-ojson" in arguments or ("json" in arguments and "-o" in arguments)
        return json.loads(output) if wants_json and output else output

    return call


@pytest.fixture
def node_exec(real_cluster: RealCluster) -> Callable[..., str]:
    """`node_exec(node, *command)`: what the command printed on that node."""
    return real_cluster.nodes.run


@pytest.fixture
def rules(real_cluster: RealCluster) -> Callable[[str], list[str]]:
    """`rules(node)`: the agent's packet filter rules, each as "TABLE RULE"."""

    def call(node: str) -> list[str]:
        found, table = [], ""
        for line in real_cluster.nodes.run(node, "iptables-nft-save").splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif RULE_COMMENT in line:
                found.append(f"{table} {line}")
        return found

    return call


@pytest.fixture
def link(real_cluster: RealCluster) -> Callable[[str], list[str] | None]:
    """`link(node)`: the addresses of the agent's link, None when there is no such link."""

    def call(node: str) -> list[str] | None:
        links = json.loads(real_cluster.nodes.run(node, "ip", "-json", "address", "show"))
        for each in links:
            if each.get("ifname") == LINK:
                return [address["local"] for address in each["addr_info"]]
        return None

    return call


@pytest.fixture(scope="session")
def probing_pods(real_cluster: RealCluster, request: pytest.FixtureRequest) -> Iterator[Prober]:
    """A pod on every node from which lookups are made."""
    image = request.config.getoption("--tool-image", default=TOOL_BOX_IMAGE)
    pods = Prober(real_cluster.kubectl)
    try:
        pods.set_up(image)
    except ClusterError as error:
        pods.tear_down()
        if isinstance(real_cluster.nodes, OwnNodes):
            raise
        pytest.skip(f"no probing pods with {image} (see --tool-image): {error.message}")
    yield pods
    pods.tear_down()


_counted: list[tuple[str, Probing]] = []
"""What was asked while which test ran; told at the end of a run, whether or not it failed."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _counted:
        terminalreporter.section("lookups on all nodes meanwhile")
    for name, probing in _counted:
        terminalreporter.write_line(f"{name}: {probing}")


@pytest.fixture
def prober(probing_pods: Prober, request: pytest.FixtureRequest) -> ProberCall:
    """`with prober() as probing:` asks on every node meanwhile; then see `probing.counts`."""

    @contextmanager
    def call(
        server: str = DNS_SERVICE_IP, *, udp_rate: int = 40, tcp_rate: int = 10
    ) -> Iterator[Probing]:
        probing = Probing()
        probing_pods.start(server, udp_rate, tcp_rate)
        try:
            yield probing
        finally:
            probing.counts = probing_pods.stop()
            _counted.append((request.node.name, probing))

    return call


@pytest.fixture
def nodedns(real_cluster: RealCluster) -> Plugin:
    """The plugin, run as a user runs it."""
    return Plugin(real_cluster.kubeconfig)


@pytest.fixture
def no_cache(real_cluster: RealCluster, nodedns: Plugin) -> Iterator[None]:
    """No cache of ours and a DNS service at its full strength before the test; no cache after it.

    A node that was down takes its CoreDNS pods with it for a while after it is back.
    """
    take_out(real_cluster, nodedns)
    wait_for(partial(_dns_is_whole, real_cluster), "CoreDNS is ready and answers")
    yield
    take_out(real_cluster, nodedns)


@pytest.fixture(scope="module")
def cache(real_cluster: RealCluster) -> Iterator[Plugin]:
    """The plugin, and a cache of ours on every node that all tests of the file share."""
    plugin = Plugin(real_cluster.kubeconfig)
    take_out(real_cluster, plugin)
    enabled = plugin.run("enable", "--yes", "--batch-size", str(len(real_cluster.node_names)))
    assert enabled.code == 0, str(enabled)
    yield plugin
    take_out(real_cluster, plugin)


def take_out(real_cluster: RealCluster, plugin: Plugin) -> None:
    """Remove the cache of ours, if anything of it is there."""
    words = ("get", KINDS, "-A", "-l", OURS, "-o", "name")
    if real_cluster.kubectl.run(*words).strip():
        gone = plugin.run("disable", "--now", "--yes")
        assert gone.code == 0, str(gone)


@pytest.fixture
def agents(
    real_cluster: RealCluster, rules: Callable[[str], list[str]], link: Callable[[str], object]
) -> Iterator[RealCluster]:
    """The stand-in on every node, put there by the official manifest, and gone afterwards."""
    nodes = real_cluster.node_names
    real_cluster.kubectl.apply(addon())
    try:
        real_cluster.kubectl.rollout("kube-system", "daemonset/node-local-dns")
        for node in nodes:
            wait_for(partial(_has_rules, rules, node), "rules are in")
        yield real_cluster
    finally:
        real_cluster.kubectl.run("delete", "--ignore-not-found", "-f", "-", stdin=addon())
        for node in nodes:
            wait_for(partial(_is_clean, rules, link, node), "rules are gone")
        # A pod that has taken its rules away has its ports for as long as it takes to end.
        ended = partial(_has_no_agent, real_cluster)
        wait_for(ended, "the agents' pods are gone")


def _dns_is_whole(real_cluster: RealCluster) -> bool:
    """Say whether each CoreDNS pod is ready and, on nodes of ours, each node reaches one."""
    coredns = ("-n", "kube-system", "get", "pods", "-l", "k8s-app=kube-dns", "-o", "json")
    pods = json.loads(real_cluster.kubectl.run(*coredns))["items"]
    conditions = [c for pod in pods for c in pod["status"].get("conditions", ())]
    ready = [c for c in conditions if c["type"] == "Ready" and c["status"] == "True"]
    if len(ready) < len(pods):
        return False
    nodes = real_cluster.nodes
    return not isinstance(nodes, OwnNodes) or is_healthy(nodes.cluster)


def _has_rules(rules: Callable[[str], list[str]], node: str) -> bool:
    return len(rules(node)) == 2 * RULES_PER_ADDRESS


def _has_no_agent(real_cluster: RealCluster) -> bool:
    agents = ("-n", "kube-system", "get", "pods", "-l", "k8s-app=node-local-dns", "-o", "name")
    return not real_cluster.kubectl.run(*agents).strip()


def _is_clean(rules: Callable[[str], list[str]], link: Callable[[str], object], node: str) -> bool:
    return not rules(node) and link(node) is None


@pytest.fixture
def kubelets(real_cluster: RealCluster, no_cache: None) -> Iterator[Callable[[str, str], None]]:
    """`kubelets(node, ip)`: a node's kubelet hands out `ip`; all are set back afterwards."""
    changed: set[str] = set()

    def call(node: str, ip: str) -> None:
        changed.add(node)
        real_cluster.nodes.set_cluster_dns(node, ip)

    yield call
    for node in sorted(changed):
        real_cluster.nodes.set_cluster_dns(node, DNS_SERVICE_IP)
        wait_for(partial(hands_out, real_cluster, node, DNS_SERVICE_IP), "set back")


@pytest.fixture
def second_address(kubectl: KubectlCall) -> Iterator[str]:
    """The DNS service's address of the other family, which it has during the test."""
    service = ("-n", "kube-system", "patch", "service", "kube-dns", "-o", "json", "-p")

    def addresses(policy: str) -> list[str]:
        patched = kubectl(*service, json.dumps({"spec": {"ipFamilyPolicy": policy}}))
        found: list[str] = patched["spec"]["clusterIPs"]
        return found

    first, *more = addresses("PreferDualStack")
    if not more:
        pytest.skip(f"services of this cluster have one address family, as {first} has")
    yield more[0]
    addresses("SingleStack")


def hands_out(real_cluster: RealCluster, node: str, ip: str) -> bool:
    """Whether a node's kubelet says that it hands out `ip` and nothing else."""
    path = f"/api/v1/nodes/{node}/proxy/configz"
    try:
        config = json.loads(real_cluster.kubectl.run("get", "--raw", path))
    except ClusterError:  # a kubelet that is just starting refuses
        return False
    return bool(config["kubeletconfig"]["clusterDNS"] == [ip])
