"""The guided tour: what to press on the screen, and what to try beside it."""

from __future__ import annotations

from kubectl_nodedns.demo import faults

KEYS = (
    ("?", "every key"),
    ("enter", "one node by zone and upstream; esc goes back"),
    ("t", "ask a name from a pod on that node; enter asks"),
    ("f", "findings: in words what the numbers mean"),
    ("/", "only nodes that match; z: only those with something wrong"),
    ("q", "leave; then the cache is taken out again"),
)
SEARCH = {
    faults.BYPASS: "a cache that nobody asks any more (!): who answers its pods? (t)",
    faults.OOM: "a node's cache has restarted: memory, and when",
    faults.SLOW: "nodes that answer late: by themselves, or their upstream? (enter)",
    faults.STORM: "a node has far more lookups than the others: what for? (enter)",
}
"""What there is to find, by fault."""


def before_screen(wanted: tuple[str, ...]) -> list[str]:
    """Say in lines what to press, and what there is to find."""
    lines = ["on the screen:"]
    lines += [f"  {key:<6} {text}" for key, text in KEYS]
    found = [text for name, text in SEARCH.items() if name in wanted]
    if found:
        lines += ["to find:", *(f"  - {text}" for text in found)]
    return lines


def beside(kubeconfig: str) -> list[str]:
    """Say in lines how to use the cluster from a second terminal."""
    return [
        "in a second terminal:",
        f"  export KUBECONFIG={kubeconfig}",
        "  kubectl nodedns status",
        "  kubectl nodedns check            finds what is wrong, and says the way out",
        "  kubectl nodedns check --probe    proves on each node that its cache is asked",
        "  kubectl nodedns lookup -A kubernetes.default",
        "  kubectl nodedns enable --yes     proves each node, and repairs one that is bypassed",
    ]
