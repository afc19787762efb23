"""The cache as the Kubernetes add-on manifest installs it, applied from the module cache."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.cluster.layout import CLUSTER_DOMAIN, DNS_SERVICE_IP
from tests.cluster.programs import kubernetes_source
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

LOCAL_IP = "169.254.20.10"
ADDON = "cluster/addons/dns/nodelocaldns/nodelocaldns.yaml"
RULES_PER_ADDRESS = 12
MARKER = f"""\
    id.nodedns.{CLUSTER_DOMAIN}:53 {{
        bind {LOCAL_IP} {DNS_SERVICE_IP}
        template IN TXT id.nodedns.{CLUSTER_DOMAIN} {{
            answer "{{{{ .Name }}}} 0 IN TXT {{$HOSTNAME}}"
        }}
    }}
"""


def addon() -> str:
    """Return the official manifest with its variables filled in.

    With it come a pidfile, so that the rules do not take a minute, and the marker: a name that
    only an agent answers, with the name of its node.
    """
    text = (kubernetes_source() / ADDON).read_text()
    last_block = "    .:53 {\n"
    text = text.replace(last_block, MARKER + last_block, 1)
    text = text.replace('"-upstreamsvc"', '"-pidfile", "/tmp/node-cache.pid", "-upstreamsvc"')
    text = text.replace("__PILLAR__LOCAL__DNS__", LOCAL_IP)
    text = text.replace("__PILLAR__DNS__SERVER__", DNS_SERVICE_IP)
    return text.replace("__PILLAR__DNS__DOMAIN__", CLUSTER_DOMAIN)


def wait_for(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)
