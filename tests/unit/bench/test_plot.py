from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kubectl_nodedns.bench.report import ASCII, BLOCKS, Axis, ascii_only, cumulative, written

TIMES = st.lists(st.integers(0, 10**7), min_size=1, max_size=200)


@given(TIMES, st.booleans())
def test_every_time_is_drawn_and_the_line_is_as_wide_as_its_axis(
    times: list[int], blocks: bool
) -> None:
    axis = Axis(times)
    line = axis.histogram(times, blocks=blocks)
    assert len(line) == axis.width
    assert set(line) <= set(BLOCKS if blocks else ASCII)
    drawn = {number for number, sign in enumerate(line) if sign != " "}
    assert drawn == {axis.cell(time) for time in times}


@given(TIMES)
def test_a_cumulative_line_never_falls_and_ends_full(times: list[int]) -> None:
    line = cumulative(sorted(times), Axis(times))
    heights = [BLOCKS.index(sign) for sign in line]
    assert heights == sorted(heights)
    assert line[-1] == BLOCKS[-1]


@given(TIMES)
def test_the_scale_fits_and_each_time_stands_over_its_cell(times: list[int]) -> None:
    axis = Axis(times)
    scale = axis.scale()
    assert len(scale) <= axis.width
    for cell, sign in enumerate(scale):
        if sign == "╵":
            number, unit = scale[cell + 1 :].split()[0].split("╵")[0], ""
            for name, size in (("µs", 1), ("ms", 1000), ("s", 10**6)):
                if number.endswith(name):
                    unit = name
                    assert axis.cell(float(number.removesuffix(name)) * size) == cell
                    break
            assert unit


def test_one_lookup_in_a_thousand_is_seen() -> None:
    times = [*([200] * 999), 50_000]
    line = Axis(times).histogram(times)
    assert line[0] == "█"
    assert line[-1] == "▁"


def test_times_are_written_in_their_unit() -> None:
    assert [written(t) for t in (1, 200, 5000, 2_000_000)] == ["1µs", "200µs", "5ms", "2s"]


def test_everything_can_be_written_in_ascii() -> None:
    assert ascii_only("P50 µs ╵1ms a → b – ▁") == "P50 us |1ms a -> b - ?"
