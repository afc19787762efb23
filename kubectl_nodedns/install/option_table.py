"""Every option of an installation, once: command line, configuration file and memory come from it.

Imports next to nothing, for `--help` reads this table. How a value is checked is in
`option_checks`, by the kind that is named here.
"""

from __future__ import annotations

from dataclasses import dataclass

from kubectl_nodedns.facts.images import REGISTRY

NO = "none"
"""The word that takes an option back to nothing."""
AUTO = "auto"
"""The word for a value that is worked out."""
ALL = "all"
"""The word for every taint."""
GROUPS = {
    "cache": "the cache",
    "answers": "what it answers and keeps",
    "placement": "where and as what its pods run",
}
"""Groups of the help text."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of an installation."""

    name: str
    """Its name on the command line, without the dashes."""
    key: str
    """Its name in a configuration file, below `spec`."""
    kind: str
    """What its value is; a key of `option_checks.KINDS`."""
    text: str
    """What it is for."""
    group: str = "cache"
    """A key of `GROUPS`."""
    metavar: str = ""
    """What its value is called in help."""
    default: str | None = None
    """This version's default; None when it has none, and `none` then takes a value back."""
    choices: tuple[str, ...] = ()
    """All its values, where they can be counted."""
    joint: str = ""
    """What stands between its values; such an option can be given several times."""
    least: int = 0
    """Lowest value of a number."""
    most: int = 0
    """Highest value of a number; 0 for no limit."""

    @property
    def dest(self) -> str:
        """Name of its attribute among parsed arguments."""
        return self.name.replace("-", "_")


OPTIONS = (
    Option(
        name="mode",
        key="mode",
        kind="word",
        text="instead of the one that is found; the last two with --dry-run=client only",
        choices=("iptables", "nftables", "ipvs", "cilium", "calico-ebpf"),
    ),
    Option(
        name="local-ip",
        key="localIP",
        kind="local-ip",
        text="address of the cache (169.254.20.10)",
        metavar="IP",
        default="169.254.20.10",
    ),
    Option(
        name="image",
        key="image",
        kind="image",
        text="image of the cache, a digest may follow (…/k8s-dns-node-cache:1.26.8)",
        metavar="IMAGE",
        default=f"{REGISTRY}/dns/k8s-dns-node-cache:1.26.8",
    ),
    Option(
        name="image-registry",
        key="imageRegistry",
        kind="registry",
        text=f"mirror that stands in for {REGISTRY}, for the cache and the probes",
        metavar="HOST[/PATH]",
    ),
    Option(
        name="pull-secret",
        key="pullSecrets",
        kind="names",
        text="Secret in the DNS service's namespace to pull the cache's image with, repeatable",
        metavar="NAME",
        joint=",",
    ),
    Option(
        name="cluster-domain",
        key="clusterDomain",
        kind="domain",
        text="instead of the one that is found",
        metavar="DOMAIN",
    ),
    Option(
        name="dns-service",
        key="dnsService",
        kind="dns-service",
        text="the cluster's DNS service, instead of the one that is found",
        metavar="NAMESPACE/NAME",
    ),
    Option(
        name="external-name",
        key="externalName",
        kind="external-name",
        text='name outside the cluster to ask for, or "none" (example.com)',
        metavar="NAME",
        default="example.com",
    ),
    Option(
        name="health-port",
        key="healthPort",
        kind="number",
        text="port of its health check, on the local IP (8080)",
        metavar="PORT",
        default="8080",
        least=1,
        most=65535,
    ),
    Option(
        name="metrics-port",
        key="metricsPort",
        kind="number",
        text="port of its metrics, on the node (9253)",
        metavar="PORT",
        default="9253",
        least=1,
        most=65535,
    ),
    Option(
        name="setup-metrics-port",
        key="setupMetricsPort",
        kind="number",
        text="port of its metrics about links and rules, on the node (9353)",
        metavar="PORT",
        default="9353",
        least=1,
        most=65535,
    ),
    Option(
        name="upstream",
        key="upstreams",
        kind="servers",
        text="resolver for names outside the cluster, instead of the node's own, repeatable",
        group="answers",
        metavar="IP[:PORT]",
        joint=",",
    ),
    Option(
        name="forward-all-to-kube-dns",
        key="forwardAllToKubeDNS",
        kind="switch",
        text="ask CoreDNS for names outside the cluster too, so that its own zones apply",
        group="answers",
        default="false",
    ),
    Option(
        name="stub-domain",
        key="stubDomains",
        kind="stub-domains",
        text="resolvers of one domain, repeatable",
        group="answers",
        metavar="DOMAIN=IP[:PORT],...",
        joint=";",
    ),
    Option(
        name="extra-blocks",
        key="extraBlocks",
        kind="blocks",
        text="file with more server blocks for the Corefile; checked against the cache's plugins",
        group="answers",
        metavar="FILE",
    ),
    Option(
        name="cluster-forward",
        key="clusterForward",
        kind="forward-options",
        text="option of forward where CoreDNS is asked, such as prefer_udp, repeatable",
        group="answers",
        metavar="OPTION",
        joint=";",
    ),
    Option(
        name="outside-forward",
        key="outsideForward",
        kind="forward-options",
        text="option of forward for names outside the cluster, such as policy sequential, "
        "repeatable",
        group="answers",
        metavar="OPTION",
        joint=";",
    ),
    Option(
        name="cluster-plugins",
        key="clusterPlugins",
        kind="plugins",
        text="file with plugins for the block of the cluster domain, such as template or log",
        group="answers",
        metavar="FILE",
    ),
    Option(
        name="outside-plugins",
        key="outsidePlugins",
        kind="plugins",
        text="file with plugins for the block of all other names, such as template or log",
        group="answers",
        metavar="FILE",
    ),
    Option(
        name="cache-size",
        key="cacheSize",
        kind="number",
        text="answers that each server block keeps (9984)",
        group="answers",
        metavar="N",
        default="9984",
        least=1024,
        most=1_000_000,
    ),
    Option(
        name="cache-denial-size",
        key="cacheDenialSize",
        kind="number",
        text="answers of names that do not exist that each server block keeps (9984)",
        group="answers",
        metavar="N",
        default="9984",
        least=1024,
        most=1_000_000,
    ),
    Option(
        name="cache-ttl",
        key="cacheTTL",
        kind="number",
        text="seconds that an answer is kept at most (30)",
        group="answers",
        metavar="SECONDS",
        default="30",
        least=1,
        most=3600,
    ),
    Option(
        name="cache-denial-ttl",
        key="cacheDenialTTL",
        kind="number",
        text="the same for a name of the cluster domain that does not exist (5)",
        group="answers",
        metavar="SECONDS",
        default="5",
        least=1,
        most=1800,
    ),
    Option(
        name="serve-stale",
        key="serveStale",
        kind="duration",
        text="answer from expired entries for that long when nobody else answers: 1h",
        group="answers",
        metavar="TIME",
    ),
    Option(
        name="prefetch",
        key="prefetch",
        kind="number",
        text="ask again before expiry for a name that was asked for N times",
        group="answers",
        metavar="N",
        least=1,
        most=1000,
    ),
    Option(
        name="max-concurrent",
        key="maxConcurrent",
        kind="number",
        text="lookups that a server block lets wait for its upstreams; more are refused (1000)",
        group="answers",
        metavar="N",
        default="1000",
        least=10,
        most=1_000_000,
    ),
    Option(
        name="node-selector",
        key="nodeSelector",
        kind="node-selector",
        text="only nodes that carry these labels; never a Windows node",
        group="placement",
        metavar="KEY=VALUE,...",
        default="",
    ),
    Option(
        name="toleration",
        key="tolerations",
        kind="tolerations",
        text='taint that is tolerated, repeatable; "all" or "none" (all)',
        group="placement",
        metavar="KEY[=VALUE][:EFFECT]",
        default=ALL,
        joint=",",
    ),
    Option(
        name="priority-class",
        key="priorityClass",
        kind="name",
        text="PriorityClass of the pods (system-node-critical)",
        group="placement",
        metavar="NAME",
        default="system-node-critical",
    ),
    Option(
        name="labels",
        key="labels",
        kind="labels",
        text="more labels for every object and for the pods",
        group="placement",
        metavar="KEY=VALUE,...",
    ),
    Option(
        name="pod-annotations",
        key="podAnnotations",
        kind="annotations",
        text="more annotations for the pods",
        group="placement",
        metavar="KEY=VALUE,...",
    ),
    Option(
        name="cpu-request",
        key="cpuRequest",
        kind="cpu",
        text="CPU that is reserved for each pod (25m)",
        group="placement",
        metavar="CPU",
        default="25m",
    ),
    Option(
        name="cpu-limit",
        key="cpuLimit",
        kind="cpu",
        text="CPU that a pod may use; best without",
        group="placement",
        metavar="CPU",
    ),
    Option(
        name="memory-request",
        key="memoryRequest",
        kind="memory",
        text="memory that is reserved for each pod; worked out from the Corefile (auto)",
        group="placement",
        metavar="MEMORY",
        default=AUTO,
    ),
    Option(
        name="memory-limit",
        key="memoryLimit",
        kind="memory",
        text='memory that a pod may use, or "none"; the Corefile\'s worst case (auto)',
        group="placement",
        metavar="MEMORY",
        default=AUTO,
    ),
)
BY_NAME = {option.name: option for option in OPTIONS}
BY_KEY = {option.key: option for option in OPTIONS}
