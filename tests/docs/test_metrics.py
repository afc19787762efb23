"""docs/metrics.md defines every column, every JSON field and every metric that is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_nodedns.metrics.columns import PRINTED
from kubectl_nodedns.metrics.document import document
from kubectl_nodedns.metrics.series import BY_NAME
from tests.docs.documents import ROOT
from tests.unit.metrics.fleets import mixed

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = (ROOT / "docs" / "metrics.md").read_text()
BY_VALUE = {
    "lookups_total_by_address",
    "lookups_per_second_by_address",
    "lookups_per_second_by_type",
    "lookups_per_second_by_protocol",
    "responses_per_second_by_rcode",
}
"""Fields whose keys are data."""


def fields(data: Any) -> Iterator[str]:
    """Yield the names of all fields, at any depth."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            if key not in BY_VALUE:
                yield from fields(value)
    elif isinstance(data, list):
        for one in data:
            yield from fields(one)


def test_every_column_is_defined() -> None:
    for column in PRINTED:
        assert column.title in TEXT, column.title
        assert f"`{column.key}`" in TEXT, column.key


def test_every_field_is_defined() -> None:
    known = set(fields(document(mixed())))
    assert len(known) > 60
    missing = {name for name in known if f"`{name}`" not in TEXT}
    assert not missing - {"fleet"}


def test_every_metric_is_named() -> None:
    missing = {name for name in BY_NAME if f"`{name}`" not in TEXT}
    assert not missing
