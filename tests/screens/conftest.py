from __future__ import annotations

import pytest

SIZES = [(80, 24), (160, 50)]


@pytest.fixture(params=SIZES, ids=["80x24", "160x50"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return request.param  # type: ignore[no-any-return]
