"""Options of the whole test run; they must be known before tests/e2e is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.images import TOOL_BOX_IMAGE

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("e2e", "a real Kubernetes")
    group.addoption("--kubeconfig-e2e", metavar="PATH", help="use the cluster of this kubeconfig")
    group.addoption("--keep-cluster", action="store_true", help="leave the test cluster up")
    group.addoption("--cluster-dir", metavar="DIR", help="where the test cluster lives")
    group.addoption("--tool-image", metavar="IMAGE", default=TOOL_BOX_IMAGE, help="for probing")
