"""A recording may come from anybody: it is believed nothing, and what it cannot be is said."""

from __future__ import annotations

import copy
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.cli.main import main
from kubectl_nodedns.errors import Exit, UsageError
from kubectl_nodedns.metrics import codec, recording
from kubectl_nodedns.metrics.columns import BY_KEY
from kubectl_nodedns.metrics.document import document
from kubectl_nodedns.metrics.fleet import Load, Watched
from kubectl_nodedns.metrics.recording import Recording
from kubectl_nodedns.metrics.replay import Player
from kubectl_nodedns.metrics.report import summary, table
from tests.unit.metrics.fleets import NOW, node, pod

if TYPE_CHECKING:
    from pathlib import Path

HEADER = {"recording": codec.KIND, "version": codec.VERSION, "facts": {"context": "lab"}}
WHERE = pod().where
DIGITS = "9" * 5000


def body() -> dict[str, Any]:
    """A frame as `record` writes it, of one node."""
    watched = Watched(
        namespace="kube-system",
        name="node-local-dns",
        owner="kubectl nodedns",
        version="1.26.8",
        local_ip="169.254.20.10",
        kube_dns_ips=("10.96.0.10",),
    )
    row = {
        "node": codec.flat(node()),
        "pods": [codec.flat(pod())],
        "detail": None,
        "sampled": [WHERE, "", None],
    }
    return {
        "about": {
            "caches": [codec.flat(watched)],
            "coredns_ips": ["10.96.0.9"],
            "source": "pod proxy",
            "interval": 2.0,
            "load": codec.flat(Load()),
            "problems": [],
        },
        "rows": {"node1": row},
        "gone": [],
        "counters": [["LOOKUPS", "dns://10.96.0.10:53", ".", "", "udp"]],
        "pages": [[WHERE, NOW - 2, codec.FIRST, {"0": 5}], [WHERE, NOW, codec.CHANGED, {"0": 9}]],
        "asked": {},
    }


def line(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode() + b"\n"


def write(path: Path, frame: Any, *, head: Any = None) -> Path:
    """Write a recording of one frame."""
    head = head if head is not None else {"frame": NOW, "worst": [0, 0.0, 0, 0.0]}
    path.write_bytes(gzip.compress(line(HEADER)) + gzip.compress(line(head) + line(frame)))
    return path


def changed(keys: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A frame with another value at one place."""
    frame = copy.deepcopy(body())
    place: Any = frame
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return frame


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "top.rec"


def shown(path: Path) -> str:
    """All that is printed of the frame."""
    snapshot = Player(Recording(path), playing=False).snapshot()
    return "\n".join([*table(snapshot, wide=True, sort_by=BY_KEY["node"]), *summary(snapshot)])


def test_the_frame_that_these_tests_break_is_sound(path: Path) -> None:
    player = Player(Recording(write(path, body())), playing=False)
    (row,) = document(player.snapshot())["nodes"]
    assert (row["node"], row["lookups_total"], player.unreadable) == ("node1", 9, "")


NODE, POD = ("rows", "node1", "node"), ("rows", "node1", "pods", 0)
OTHER: list[tuple[tuple[Any, ...], Any]] = [
    (("about",), None),
    (("about", "caches"), [{"name": 1}]),
    (("about", "caches", 0, "kube_dns_ips"), [1]),
    (("about", "caches", 0, "capacity"), {"total": "x", "success": {}, "denial": {}}),
    (("about", "caches", 0, "capacity"), {"total": 1, "success": {"a": "b"}, "denial": {}}),
    (("about", "interval"), "often"),
    (("about", "load"), {"requests_per_second": "x"}),
    (("about", "problems"), [1]),
    (("rows",), []),
    (("rows", "node1"), None),
    (("rows", "node1"), {}),
    (("rows", "node1", "detail"), {"reason": 7}),
    (("rows", "node1", "sampled"), ["a"]),
    (("rows", "node1", "proved_at"), "now"),
    ((*NODE, "name"), "node2"),
    ((*NODE, "name"), 5),
    ((*NODE, "ready"), "yes"),
    ((*POD, "restarts"), 1.5),
    ((*POD, "restarts"), True),
    ((*POD, "status"), None),
    ((*POD, "memory_limit_bytes"), 10**400),
    ((*POD, "created_at"), 1e300),
    (("gone",), ["nobody"]),
    (("counters",), [["NO_SUCH_SERIES"]]),
    (("counters",), [["LOOKUPS", "too", "few"]]),
    (("counters",), [["LOOKUPS", 1, 2, 3, 4]]),
    (("counters",), [[]]),
    (("pages",), [[WHERE, NOW, codec.FIRST, {"7": 1}]]),
    (("pages",), [[WHERE, NOW, codec.FIRST, {DIGITS: 1}]]),
    (("pages",), [[WHERE, NOW, codec.FIRST, {"0": "5"}]]),
    (("pages",), [[WHERE, NOW, codec.FIRST, {"0": 10**400}]]),
    (("pages",), [[WHERE, NOW, codec.CHANGED, {"0": 1}]]),
    (("pages",), [[WHERE, "noon", codec.FIRST, {}]]),
    (("pages",), [5]),
    (("asked",), {WHERE: {"10.96.0.10": "x"}}),
]


@pytest.mark.parametrize(("keys", "value"), OTHER, ids=lambda part: repr(part)[:60])
def test_a_field_of_another_kind_makes_its_frame_unreadable_and_nothing_else(
    path: Path, keys: tuple[Any, ...], value: Any
) -> None:
    player = Player(Recording(write(path, changed(keys, value))), playing=False)
    assert player.snapshot().nodes == ()
    assert "was not written by top --record" in player.unreadable
    assert player.unreadable in shown(path)


NO_JSON = ["", "{", "[1]", "7", '"x"', "[" * 100_000, '{"about": NaN}', "\x00", DIGITS]


@pytest.mark.parametrize("text", NO_JSON, ids=lambda text: repr(text)[:20])
def test_a_frame_that_is_no_object_is_unreadable(path: Path, text: str) -> None:
    assert "was not written by" in shown(write(path, text))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "1e308"])
def test_a_number_that_cannot_be_is_none(path: Path, value: str) -> None:
    text = json.dumps(changed(("pages", 1, 3, "0"), "HERE")).replace('"HERE"', value)
    assert "was not written by" in shown(write(path, text))


@pytest.mark.parametrize(
    "head",
    [
        '{"frame":',
        '{"frame": "noon", "worst": []}',
        '{"frame": 1e300, "worst": [0]}',
        '{"frame": NaN, "worst": [0]}',
        '{"frame": -1, "worst": [0]}',
        '{"frame": 1, "worst": ["x"]}',
        '{"frame": 1, "worst": null}',
        '{"frame": 1}',
        f'{{"frame": {DIGITS}, "worst": []}}',
    ],
)
def test_a_moment_that_cannot_be_ends_the_recording(path: Path, head: str) -> None:
    with pytest.raises(UsageError, match="holds no frame"):
        Recording(write(path, body(), head=head))


def test_text_is_harmless_on_a_terminal(path: Path) -> None:
    evil = "\x1b[2J\x07\u202e\x9b31m"
    frame = changed(("about", "problems"), [evil])
    frame["rows"]["node1"]["pods"][0]["status"] = evil
    frame["about"]["caches"][0]["owner"] = evil
    printed = shown(write(path, frame))
    assert all(text.isprintable() for text in printed.split("\n"))
    raw = json.dumps(frame, ensure_ascii=False)  # characters as they are, where JSON allows it
    assert "\u202e" in raw
    assert shown(write(path, raw)) == printed


def test_the_facts_of_the_heading_are_text(path: Path) -> None:
    header = {**HEADER, "facts": {"context": ["x"], "mode": "\x1b[2J"}}
    path.write_bytes(
        gzip.compress(line(header))
        + gzip.compress(line({"frame": NOW, "worst": [0]}) + line(body()))
    )
    facts = Recording(path).facts
    assert all(text.isprintable() for pair in facts.items() for text in pair)
    path.write_bytes(gzip.compress(line({**HEADER, "facts": 5})))
    with pytest.raises(UsageError, match="holds no frame"):
        Recording(path)


def bomb(size: int) -> bytes:
    return gzip.compress(bytes(size), compresslevel=1)


def test_a_member_is_unpacked_to_its_limit_and_no_further() -> None:
    data = bomb(8 * recording.GROWTH)
    text, end, whole = recording._unpack(data, 0, len(data), 2 * recording.GROWTH)
    assert len(text) <= 3 * recording.GROWTH
    assert (end, whole) == (len(data), False)
    text, end, whole = recording._unpack(data, 0, len(data), 8 * recording.GROWTH)
    assert (len(text), end, whole) == (8 * recording.GROWTH, len(data), True)


@pytest.mark.parametrize(
    "size", [0, 1, recording.GROWTH - 1, recording.GROWTH, 3 * recording.GROWTH]
)
def test_a_member_within_its_limit_is_unpacked_to_its_end(size: int) -> None:
    first, rest = bomb(size), bomb(5)
    data = first + rest
    text, end, whole = recording._unpack(data, 0, len(data), recording.LARGEST_MEMBER)
    assert (len(text), end, whole) == (size, len(first), True)


@pytest.mark.parametrize("words", [("--once",), ("--once", "-o", "json"), ("-o", "yaml")])
def test_the_command_says_in_words_what_it_cannot_show(
    path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    write(path, changed(("rows", "node1", "node", "ready"), "yes"))
    assert main(("top", "--replay", str(path), *words)) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "frame 1 of" in err
    assert "--at names another moment" in err


def test_frames_beside_an_unreadable_one_are_shown(path: Path) -> None:
    head = {"frame": NOW, "worst": [0]}
    broken = changed(("about",), None)

    def packed(one: Any) -> bytes:
        return gzip.compress(line(head) + line(one))

    path.write_bytes(gzip.compress(line(HEADER)) + packed(broken) + packed(body()))
    player = Player(Recording(path), playing=False)
    assert player.snapshot().nodes == ()
    player.step(1)
    assert len(player.snapshot().nodes) == 1
    assert player.unreadable == ""
    player.step(-1)
    assert player.snapshot().nodes == ()
