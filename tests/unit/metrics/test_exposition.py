from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from kubectl_nodedns.metrics.exposition import HEADS, ExpositionError, Reader, Sample, parse


class Everything:
    def __contains__(self, name: object) -> bool:
        return True


def test_only_wanted_names_are_kept() -> None:
    text = 'a{x="1"} 1\nab{x="1"} 2\nb 3\n'
    assert parse(text, {"a", "b"}) == [Sample("a", {"x": "1"}, 1.0), Sample("b", {}, 3.0)]


def test_comments_and_blank_lines_are_skipped() -> None:
    text = '# HELP a text with a{b="c"} 5\n# TYPE a counter\n\n   \n# free comment\na 1\n'
    assert parse(text, {"a"}) == [Sample("a", {}, 1.0)]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a 1e-05", 1e-05),
        ("a 1.5E+3", 1500.0),
        ("a +Inf", math.inf),
        ("a -Inf", -math.inf),
        ("a 0", 0.0),
        ("a -3 1700000000000", -3.0),
        ("a\t7", 7.0),
        ('a{b="c"}\t8\t-5', 8.0),
        ('a {b="c"} 9', 9.0),
        ('  a{b="c"} 9', 9.0),
    ],
)
def test_values(line: str, value: float) -> None:
    assert parse(line, {"a"})[0].value == value


def test_nan_is_a_value() -> None:
    assert math.isnan(parse("a NaN", {"a"})[0].value)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (r'b="quote \" here"', {"b": 'quote " here'}),
        (r'b="back \\ slash"', {"b": "back \\ slash"}),
        (r'b="new \n line"', {"b": "new \n line"}),
        (r'b="\\n"', {"b": r"\n"}),
        (r'b="other \t stays"', {"b": r"other \t stays"}),
        ('b="{braces}, and = signs"', {"b": "{braces}, and = signs"}),
        ('b="1",c="2"', {"b": "1", "c": "2"}),
        ('b="1",c="2",', {"b": "1", "c": "2"}),
        (' b = "1" , c = "2" ', {"b": "1", "c": "2"}),
        ('b="\x85\u2028"', {"b": "\x85\u2028"}),
        ("", {}),
    ],
)
def test_label_sets(labels: str, expected: dict[str, str]) -> None:
    assert parse("a{" + labels + "} 1", {"a"}) == [Sample("a", expected, 1.0)]


@pytest.mark.parametrize(
    "line",
    [
        'a{b="c"',
        'a{b="c"}',
        'a{b="c} 1',
        "a{b} 1",
        "a",
        "a one",
        "a 1 2 3",
        "a 1 soon",
        'a{b="c"x="d"} 1',
    ],
)
def test_a_cut_off_line_is_an_error(line: str) -> None:
    with pytest.raises(ExpositionError, match="not a sample"):
        parse(f"b 1\n{line}", {"a"})


def test_a_cut_off_line_that_nobody_wants_is_not() -> None:
    assert parse('b 1\na{b="c', {"b"}) == [Sample("b", {}, 1.0)]


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
LABELS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)  # "__" is reserved
VALUES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00")
    | st.sampled_from('\\"\n{},=# '),
    max_size=12,
)
NUMBERS = st.floats(allow_nan=False) | st.integers(-(10**15), 10**15)
TIMES = st.none() | st.integers(0, 2**44)


def escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


@st.composite
def heads(draw: st.DrawFn) -> str:
    labels = draw(st.dictionaries(LABELS, VALUES, max_size=4))
    body = ",".join(f'{name}="{escape(value)}"' for name, value in labels.items())
    return f"{draw(NAMES)}{{{body}}}" if labels else draw(NAMES)


@st.composite
def behind(draw: st.DrawFn) -> str:
    number = draw(NUMBERS)
    text = {math.inf: "+Inf", -math.inf: "-Inf"}.get(number, repr(number))
    stamp = draw(TIMES)
    return text + (f" {stamp}" if stamp is not None else "")


@st.composite
def lines(draw: st.DrawFn) -> str:
    return f"{draw(heads())} {draw(behind())}"


def prometheus_client(text: str) -> list[tuple[str, dict[str, str], float]]:
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def everything() -> Reader[tuple[str, dict[str, str]]]:
    return Reader(Everything(), lambda name, labels: (name, dict(labels)))


@given(st.lists(st.tuples(heads(), behind(), behind()), max_size=4))
def test_a_page_like_the_one_before_is_read_as_prometheus_client_reads_it(
    series: list[tuple[str, str, str]],
) -> None:
    reader = everything()
    for page in (0, 1, 0):
        text = "\n".join(f"{head} {pages[page]}" for head, *pages in series) + "\n"
        ours = [(name, labels, value) for (name, labels), value in reader.read(text)]
        assert ours == prometheus_client(text)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("", 'a{b="c"}\t8'),
        ("   ", "   a\t8"),
        ("b 1", "a\t8"),
        ('a{b="c"} 1', 'a{b="c"} 8\t1700000000000'),
        ('a{b="c"} 1', 'a{b="c"} 8 1700000000000'),
        ('a{b="c"} 8 1700000000000', 'a{b="c"} 8 1700000000001'),
        ("a 1", 'a {b="c"}\t8'),
        ("# 1", "a\t8"),
    ],
)
def test_a_line_is_read_the_same_whatever_was_read_before(first: str, then: str) -> None:
    reader = Reader({"a"}, lambda name, labels: (name, dict(labels)))
    reader.read(first)
    read = reader.read(then)
    assert [(name, labels, value) for (name, labels), value in read] == parse(then, {"a"})
    assert [value for _, value in read] == [8.0]


def test_what_is_cut_off_is_an_error_though_its_beginning_is_known() -> None:
    reader = everything()
    reader.read('a{b="c"} 1')
    for line in ('a{b="c"} ', 'a{b="c"} 1}', 'a{b="c"} one', 'a{b="c"}'):
        with pytest.raises(ExpositionError, match="not a sample"):
            reader.read(line)


def test_what_is_remembered_is_bounded() -> None:
    understood = []

    def meaning(name: str, labels: object) -> str:
        understood.append(labels)
        return name

    reader = Reader({"a"}, meaning)
    reader.read('a{b="0"} 1')
    reader.read('a{b="0"} 2')
    assert len(understood) == 1
    reader.read("\n".join(f'a{{b="{n}"}} 1' for n in range(HEADS + 1)))
    reader.read('a{b="0"} 3')
    assert len(understood) == HEADS + 2


@given(st.lists(lines(), max_size=6))
def test_reads_what_prometheus_client_reads(samples: list[str]) -> None:
    text = "\n".join(samples) + "\n"
    ours = [(s.name, dict(s.labels), s.value) for s in parse(text, Everything())]
    assert ours == prometheus_client(text)
