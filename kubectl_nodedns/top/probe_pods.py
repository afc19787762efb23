"""Who asks from nodes for `top`, as its command hands it over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kubectl_nodedns.tui.ports import Asker

if TYPE_CHECKING:
    from collections.abc import Sequence


class ProbePods(Asker, Protocol):
    """Asks from probe pods, one a node, made when first needed and kept until it is closed."""

    @property
    def busy(self) -> bool:
        """Whether there are pods to remove."""
        ...

    @property
    def left(self) -> Sequence[str]:
        """Pods that may be left, in words; to be told when it is closed."""
        ...
