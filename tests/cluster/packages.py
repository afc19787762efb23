"""What a machine needs for the cluster, why it cannot run here, and how Debian provides it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cluster.images import BUSYBOX, IPTABLES
from tests.cluster.kubectl import kubectl_program
from tests.cluster.node import SYSTEM_PATH, cni_folder
from tests.cluster.programs import go_program

PACKAGE_OF = {
    "containerd": "containerd",
    "ctr": "containerd",
    "crun": "crun",
    IPTABLES: "iptables",
    "nft": "nftables",
    "conntrack": "conntrack",
    "dig": "bind9-dnsutils",
    "dnsperf": "dnsperf",
    BUSYBOX: "busybox-static",
    "ip": "iproute2",
    "openssl": "openssl",
    "sysctl": "procps",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
}
ALSO = {"promtool": "prometheus"}
"""Programs that no cluster needs, and tests of figures and of alert rules do."""
CNI_PACKAGE = "containernetworking-plugins"
SHELLS = {
    "/usr/bin/zsh": "zsh",
    "/usr/bin/fish": "fish",
    "/usr/share/bash-completion/bash_completion": "bash-completion",
}
"""What the tests of completion run in, by a file of each. The cluster does not need them."""


def missing_packages() -> list[str]:
    """Return the Debian packages whose programs are not here."""
    missing = {
        package
        for program, package in PACKAGE_OF.items()
        if shutil.which(program, path=SYSTEM_PATH) is None
    }
    if cni_folder() is None:
        missing.add(CNI_PACKAGE)
    elif Path(BUSYBOX).exists() and _is_dynamic(BUSYBOX):
        missing.add("busybox-static")
    return sorted(missing)


def wanted_packages() -> list[str]:
    """Return what is to be installed: what the cluster misses, and what other tests miss."""
    also = {package for program, package in ALSO.items() if shutil.which(program) is None}
    shells = {package for file, package in SHELLS.items() if not Path(file).exists()}
    return sorted({*missing_packages(), *also, *shells})


def requirements() -> list[str]:
    """Return the reasons why the cluster cannot run here; none means that it can."""
    if sys.platform != "linux":
        return [f"it needs Linux, and this is {platform.system()}"]
    reasons = []
    if os.geteuid() != 0:
        reasons.append("it needs root")
    if platform.machine() not in ("x86_64", "aarch64"):
        reasons.append(f"it needs an amd64 or arm64 machine, and this is {platform.machine()}")
    if go_program() is None:
        reasons.append("it needs Go, and there is no `go` on PATH")
    if kubectl_program() is None:
        reasons.append("it needs kubectl, and there is none beside this Python or on PATH")
    missing = missing_packages()
    if missing:
        reasons.append(
            f"it needs the packages {' '.join(missing)}: "
            "`python -m tests.cluster packages --install` installs them on Debian"
        )
    return reasons


def install() -> list[str]:
    """Install the missing packages with apt-get and return their names."""
    missing = wanted_packages()
    if missing:
        # With a runlevel given no package starts its service: a Prometheus would take a port.
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
        words = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing]
        subprocess.run(words, check=True, env=environment)
    return missing


def _is_dynamic(program: str) -> bool:
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return "=>" in listing.stdout
