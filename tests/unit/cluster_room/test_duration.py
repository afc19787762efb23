from __future__ import annotations

import pytest

from kubectl_nodedns.cluster.access import duration
from kubectl_nodedns.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("30s", 30.0),
        ("2m", 120.0),
        ("1m30s", 90.0),
        ("1h", 3600.0),
        ("500ms", 0.5),
        ("1.5s", 1.5),
    ],
)
def test_a_duration_is_read_as_kubectl_writes_it(text: str, seconds: float) -> None:
    assert duration(text, option="--timeout") == seconds


@pytest.mark.parametrize("text", ["0", "0s", "0m"])
def test_zero_means_no_limit(text: str) -> None:
    assert duration(text, option="--request-timeout") is None


@pytest.mark.parametrize("text", ["", "s", "-1s", "1 m", "1d", "1m 30s", "ten", "1,5s"])
def test_another_form_is_refused_by_its_option(text: str) -> None:
    with pytest.raises(UsageError, match="--timeout") as caught:
        duration(text, option="--timeout")
    assert "30s" in caught.value.hint
