"""What runs on a node, containerd and kubelet, and how they are configured.

A node's pods get addresses from its own range over point-to-point links (CNI `ptp`), without any
address translation, so a DNS server sees which pod asked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.cluster.layout import (
    CLUSTER_DOMAIN,
    DNS_SERVICE_IP,
    PAUSE_IMAGE,
    REPOSITORY,
    Layout,
    Node,
)
from tests.cluster.pki import kubeconfig_of
from tests.cluster.supervisor import Service

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
CNI_PLUGINS = ("/opt/cni/bin", "/usr/lib/cni")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def namespaces_service(layout: Layout, node: Node) -> Service:
    """Return the service that is the node itself: new namespaces and their first process."""
    spaces = ["--net", "--mount", "--uts", "--ipc", "--pid", "--mount-proc"]
    init = [sys.executable, "-m", "tests.cluster.node_init", str(layout.services(node.name))]
    return Service(
        argv=("/usr/bin/unshare", *spaces, "--fork", "--kill-child", *init),
        log=str(layout.log / f"{node.name}.log"),
        environment={"PYTHONPATH": str(REPOSITORY)},
    )


def containerd_service(layout: Layout, node: Node) -> Service:
    """Return the container runtime, after writing its configuration."""
    config = layout.node(node) / "containerd.toml"
    config.write_text(containerd_config(layout.node(node) / "containerd"))
    return Service(
        argv=("/usr/bin/containerd", "--config", str(config)),
        log=str(layout.log / f"{node.name}-containerd.log"),
        environment={"PATH": SYSTEM_PATH},
    )


def kubelet_service(
    layout: Layout, node: Node, programs: Path, *, dns: str = DNS_SERVICE_IP
) -> Service:
    """Return the kubelet, after writing its configuration and the CNI's.

    Args:
        layout: where the cluster lives.
        node: the node.
        programs: where the kubelet is.
        dns: the nameserver that the kubelet hands to pods.
    """
    own = layout.node(node)
    (own / "cni").mkdir(parents=True, exist_ok=True)
    (own / "cni" / "10-ptp.conflist").write_text(json.dumps(cni_config(node), indent=1))
    config = own / "kubelet.json"
    config.write_text(json.dumps(kubelet_config(layout, node, dns), indent=1))
    return Service(
        argv=(
            str(programs / "kubelet"),
            f"--config={config}",
            f"--kubeconfig={kubeconfig_of(layout.pki, node.name)}",
            f"--hostname-override={node.name}",
            f"--node-ip={node.ip}",
            "--v=2",
            # cAdvisor's figures, which nothing here reads, take most of an idle kubelet's time.
            "--housekeeping-interval=1m",
        ),
        log=str(layout.log / f"{node.name}-kubelet.log"),
        environment={"PATH": SYSTEM_PATH},
    )


def cni_folder() -> Path | None:
    """Return where the CNI plugins of this machine are."""
    return next((Path(p) for p in CNI_PLUGINS if (Path(p) / "ptp").exists()), None)


def containerd_config(root: Path) -> str:
    """Return containerd's configuration."""
    unused = [f"io.containerd.snapshotter.v1.{name}" for name in ("btrfs", "zfs", "devmapper")]
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    # crun takes less CPU time than runc to start a container, and a test run starts thousands.
    # Without CAP_SYS_RESOURCE, which a virtual machine's root may lack, lowering an OOM score
    # fails, and the container with it: restrict_oom_score_adj.
    return f"""\
version = 2
root = "{root}"
state = "/run/containerd"
disabled_plugins = {json.dumps(unused)}
[grpc]
  address = "{CONTAINERD_SOCKET}"
[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
[{cri}.cni]
  bin_dir = "{cni_folder()}"
  conf_dir = "/etc/cni/net.d"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[{cri}.containerd.runtimes.runc.options]
  BinaryName = "crun"
  SystemdCgroup = false
"""


def cni_config(node: Node) -> dict[str, object]:
    """Return the network of a node's pods."""
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni-ipam",
        "ranges": [[{"subnet": node.pod_range}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    point_to_point = {"type": "ptp", "ipMasq": False, "ipam": ipam}
    port_map = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.3.1", "name": "pods", "plugins": [point_to_point, port_map]}


def kubelet_config(layout: Layout, node: Node, dns: str) -> dict[str, object]:
    """Return the kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.ip,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDNS": [dns],
        "clusterDomain": CLUSTER_DOMAIN,
        "resolvConf": str(layout.node(node) / "resolv.conf"),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}/{node.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "volumePluginDir": "/var/lib/kubelet/volumeplugins",
        "evictionHard": {"memory.available": "20Mi", "nodefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        # A tenth of the usual interval: an edited ConfigMap reaches its pod while a test waits.
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
        "nodeLeaseDurationSeconds": 8,  # renewed every 2 s; see UNREADY_AFTER
    }
