"""What is remembered about a cluster, laid under the arguments of `top` and `monitoring`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kubectl_nodedns.install.recalled import ABOUT_THE_CLUSTER, recalled

if TYPE_CHECKING:
    from kubectl_nodedns.cluster.client import Client


async def with_remembered(client: Client, arguments: argparse.Namespace) -> argparse.Namespace:
    """Return the arguments with what is remembered about the cluster, where they do not say."""
    keys = {name: name.replace("-", "_") for name in ABOUT_THE_CLUSTER}
    given = {name: getattr(arguments, key, None) or "" for name, key in keys.items()}
    known = await recalled(client, given)
    found = {keys[name]: value for name, value in known.items()}
    return argparse.Namespace(**{**vars(arguments), **found})
