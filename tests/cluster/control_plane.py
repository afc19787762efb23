"""The control plane: etcd, the API server, two controllers of things, and the outside world's DNS.

All of it runs in one network namespace, whose address on the bridge is CONTROL_IP. The host
reaches the API server without any change to its own network: `up` opens a socket on the host's
loopback and the forwarder, in here, accepts from it (a socket stays in the namespace it was
opened in). etcd does not sync its file: a power cut may cost this cluster its data.
"""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from tests.cluster.errors import ClusterError
from tests.cluster.layout import API_PORT, CONTROL_IP, SERVICE_RANGE, SERVICE_RANGE_6, Layout
from tests.cluster.pki import kubeconfig_of
from tests.cluster.supervisor import Service

if TYPE_CHECKING:
    from pathlib import Path

ETCD_URL = "http://127.0.0.1:2379"
API_SERVER = "kube-apiserver"
UNREADY_AFTER = 24
"""Seconds after which a node whose kubelet is dead is called unready: half of the usual 50, for
tests wait for it; and twelve of its leases' renewals, for the machine may be busy."""
UPSTREAM_COREFILE = """\
# The internet of the test cluster: names under example.test have an address, so has example.com,
# and nothing else exists.
.:53 {
    bind %(address)s
    errors
    template IN A example.test example.com {
        answer "{{ .Name }} 60 IN A 192.0.2.1"
    }
    template IN AAAA example.test example.com {
        rcode NOERROR
        authority "{{ .Zone }} 60 IN SOA ns.{{ .Zone }} hostmaster.{{ .Zone }} 1 60 60 60 60"
    }
    template ANY ANY . {
        rcode NXDOMAIN
        authority ". 60 IN SOA ns.example.test. hostmaster.example.test. 1 60 60 60 60"
    }
}
"""


def foundation(layout: Layout, programs: Path) -> dict[str, Service]:
    """Return what the API server needs and itself; the rest waits for it."""
    return {
        "etcd": _service(layout, "etcd", _etcd(layout, programs)),
        API_SERVER: _service(layout, API_SERVER, _api_server(layout, programs)),
        "apiforward": Service(
            argv=(str(programs / "apiforward"), f"{CONTROL_IP}:{API_PORT}"),
            log=str(layout.log / "apiforward.log"),
            listener=True,
        ),
        "upstream": _service(layout, "upstream", _upstream(layout, programs)),
    }


def controllers(layout: Layout, programs: Path) -> dict[str, Service]:
    """Return the controller manager and the scheduler."""
    return {
        "kube-controller-manager": _service(
            layout, "kube-controller-manager", _controller_manager(layout, programs)
        ),
        "kube-scheduler": _service(layout, "kube-scheduler", _scheduler(layout, programs)),
    }


def _service(layout: Layout, name: str, argv: list[str]) -> Service:
    return Service(argv=tuple(argv), log=str(layout.log / f"{name}.log"))


def _etcd(layout: Layout, programs: Path) -> list[str]:
    peer = "http://127.0.0.1:2380"
    return [
        str(programs / "etcd"),
        "--name=test",
        f"--data-dir={layout.etcd}",
        f"--listen-client-urls={ETCD_URL}",
        f"--advertise-client-urls={ETCD_URL}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=test={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _api_server(layout: Layout, programs: Path) -> list[str]:
    pki = layout.pki
    return [
        str(programs / API_SERVER),
        f"--etcd-servers={ETCD_URL}",
        f"--secure-port={API_PORT}",
        f"--advertise-address={CONTROL_IP}",
        f"--service-cluster-ip-range={SERVICE_RANGE},{SERVICE_RANGE_6}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/kube-apiserver.crt",
        f"--tls-private-key-file={pki}/kube-apiserver.key",
        f"--kubelet-client-certificate={pki}/kubelet-client.crt",
        f"--kubelet-client-key={pki}/kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--token-auth-file={pki}/tokens.csv",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        "--profiling=false",
    ]


def _controller_manager(layout: Layout, programs: Path) -> list[str]:
    return [
        str(programs / "kube-controller-manager"),
        f"--kubeconfig={kubeconfig_of(layout.pki, 'kube-controller-manager')}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={layout.pki}/service-accounts.key",
        f"--root-ca-file={layout.pki}/ca.crt",
        "--allocate-node-cidrs=false",
        f"--node-monitor-grace-period={UNREADY_AFTER}s",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def _scheduler(layout: Layout, programs: Path) -> list[str]:
    return [
        str(programs / "kube-scheduler"),
        f"--kubeconfig={kubeconfig_of(layout.pki, 'kube-scheduler')}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def _upstream(layout: Layout, programs: Path) -> list[str]:
    corefile = layout.root / "upstream.Corefile"
    corefile.write_text(UPSTREAM_COREFILE % {"address": CONTROL_IP})
    return [str(programs / "coredns"), "-conf", str(corefile)]


def wait_until_ready(layout: Layout, port: int, seconds: float = 300) -> None:
    """Wait until the API server says, through the host's loopback, that it is ready."""
    context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
    deadline = time.monotonic() + seconds
    while not is_ready(port, context):
        if time.monotonic() > deadline:
            log = layout.log / f"{API_SERVER}.log"
            raise ClusterError(f"the API server is not ready after {seconds:.0f} s", log)
        time.sleep(0.1)


def is_ready(port: int, context: ssl.SSLContext) -> bool:
    """Ask the API server once whether it is ready."""
    try:
        url = f"https://127.0.0.1:{port}/readyz"
        with urllib.request.urlopen(url, timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
