"""dig's real output, read. The outputs in dig/ were recorded by `record.py` with dig 9.18."""

from __future__ import annotations

import pytest

from kubectl_nodedns.lookup import dig
from kubectl_nodedns.lookup.question import Answer, Manner, Question, Record
from tests.unit.lookup.record import FOLDER, OF_CLUSTER, QUESTIONS, ROUND


def recorded(name: str) -> Answer:
    question = (QUESTIONS | OF_CLUSTER)[name]
    [answer] = dig.answers([question], (FOLDER / f"{name}.txt").read_text())
    assert answer.question is question
    return answer


def test_an_answer_has_rcode_record_flags_time_and_size() -> None:
    answer = recorded("noerror")
    assert answer.rcode == "NOERROR"
    assert answer.records == (Record(name="one.test.", ttl=5, rtype="A", data="192.0.2.1"),)
    assert answer.flags == ("qr", "rd", "ra")
    assert answer.microseconds == 8564
    assert answer.size == 53
    assert answer.error == ""
    assert answer.ok


def test_an_answer_over_tcp_reads_the_same() -> None:
    answer = recorded("noerror_tcp")
    assert answer.ok
    assert answer.summary() == "NOERROR 192.0.2.1"


def test_every_record_of_an_answer_is_read_in_the_order_of_the_response() -> None:
    data = [record.data for record in recorded("many").records]
    assert data == ["192.0.2.3", "192.0.2.1", "192.0.2.2"]


def test_an_alias_comes_before_what_it_points_to() -> None:
    kinds = [(record.rtype, record.data) for record in recorded("alias").records]
    assert kinds == [("CNAME", "one.test."), ("A", "192.0.2.1")]


def test_warnings_about_mdns_do_not_hide_what_coredns_answers() -> None:
    answer = recorded("coredns_cluster")
    assert answer.ok
    assert answer.flags == ("qr", "aa", "rd")
    assert answer.records[0].data == "10.96.0.1"


def test_a_pointer_record_names_the_service() -> None:
    assert recorded("coredns_reverse").summary() == "NOERROR kubernetes.default.svc.cluster.local."


@pytest.mark.parametrize(
    ("name", "rcode"),
    [
        ("nxdomain", "NXDOMAIN"),
        ("coredns_nxdomain", "NXDOMAIN"),
        ("servfail", "SERVFAIL"),
        ("refused", "REFUSED"),
    ],
)
def test_a_response_without_records_keeps_its_rcode_and_leaves_the_authority_out(
    name: str, rcode: str
) -> None:
    answer = recorded(name)
    assert (answer.rcode, answer.records, answer.error) == (rcode, (), "")
    assert answer.microseconds is not None
    assert not answer.ok
    assert answer.summary() == rcode


def test_noerror_without_records_is_not_good() -> None:
    answer = recorded("nodata")
    assert (answer.rcode, answer.records) == ("NOERROR", ())
    assert not answer.ok


def test_a_truncated_response_is_the_one_that_came_over_tcp() -> None:
    answer = recorded("truncated")
    assert answer.ok
    assert [len(record.text()) for record in answer.records] == [250, 250]
    assert answer.size == 563


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("timeout", "no response in 2 s"),
        ("timeout_tcp", "no response in 2 s"),
        ("no_route", "no response in 2 s"),
        ("wrong_id", "only a response with a wrong ID in 2 s"),
        ("closed", "connection refused"),
        ("closed_tcp", "connection refused"),
        ("truncated_no_tcp", "connection refused"),
        ("garbage", "bad label type"),
        ("illegal_name", "not a legal name"),
        ("bad_server", "couldn't get address for 'not-a-server.invalid'"),
        ("bad_option", "Invalid option: +nonsense"),
    ],
)
def test_no_response_is_an_error_in_digs_own_words(name: str, words: str) -> None:
    answer = recorded(name)
    assert answer.rcode == ""
    assert answer.records == ()
    assert answer.microseconds is None
    assert not answer.ok
    assert words in answer.error
    assert answer.summary() == answer.error
    assert len(answer.error) <= 200


def test_control_characters_stay_escaped() -> None:
    [record] = recorded("control").records
    assert record.text() == r"tab\009 bell\007 esc\027[31m newline\010;; end"
    assert record.text().isprintable()


def test_strings_of_a_text_are_joined_and_quotes_inside_stay_escaped() -> None:
    [record] = recorded("quotes").records
    assert record.text() == r"say \"hello\" \\ theresecond; part"


def test_a_text_cannot_pose_as_digs_own_lines() -> None:
    answer = recorded("posing")
    assert answer.rcode == "NOERROR"
    assert answer.microseconds == 1888
    assert len(answer.records) == 2
    assert all(record.rtype == "TXT" for record in answer.records)


def test_a_space_in_a_name_stays_escaped() -> None:
    [record] = recorded("space").records
    assert record.name == r"space\032name.test."


def test_a_question_that_makes_dig_give_up_does_not_end_the_round() -> None:
    questions = [QUESTIONS[name] for name in ROUND]
    answers = dig.answers(questions, (FOLDER / "round.txt").read_text())
    assert [answer.question for answer in answers] == questions
    assert [answer.ok for answer in answers] == [True, False, False, True]
    assert "not a legal name" in answers[1].error
    assert "connection refused" in answers[2].error


def test_output_that_ends_early_leaves_errors_for_the_rest_of_the_round() -> None:
    questions = [QUESTIONS[name] for name in ROUND]
    output = (FOLDER / "round.txt").read_text()
    answers = dig.answers(questions, output[: output.index(";;; nodedns\n;; Connection")])
    assert [answer.ok for answer in answers] == [True, False, False, False]
    assert answers[3].error == "dig printed nothing"


def test_an_image_without_dig_is_told_in_the_shells_words() -> None:
    [answer] = dig.answers([QUESTIONS["noerror"]], ";;; nodedns\nsh: 1: dig: not found\n")
    assert answer.error == "sh: 1: dig: not found"


def test_a_time_in_milliseconds_is_turned_into_microseconds() -> None:
    output = (FOLDER / "noerror.txt").read_text().replace("8564 usec", "9 msec")
    [answer] = dig.answers([QUESTIONS["noerror"]], output)
    assert answer.microseconds == 9000


def test_each_question_is_one_argument_of_one_command() -> None:
    words = dig.command([QUESTIONS["noerror"], QUESTIONS["closed_tcp"]])
    assert words[:2] == ["sh", "-c"]
    assert [word for word in words if "@127.0.0.53" in word] == [words[4]]
    assert words[4] == "-u +tries=1 +time=2 +nosearch +notcp @127.0.0.53 -q one.test. -t A"
    assert "+tcp" in words[5].split()
    assert len(words) == 6


def test_the_time_limit_grows_with_the_round() -> None:
    few, many = [QUESTIONS["noerror"]] * 2, [QUESTIONS["noerror"]] * 10
    assert dig.limit(few) > 2 * 2
    assert dig.limit(many) >= dig.limit(few) + 8 * 2


def test_an_answer_as_json_holds_question_and_answer() -> None:
    document = recorded("noerror_tcp").as_json()
    assert document["protocol"] == "tcp"
    assert document["server"] == "127.0.0.53"
    assert document["records"] == [
        {"name": "one.test.", "ttl": 5, "type": "A", "data": "192.0.2.1"}
    ]
    assert document["error"] is None


def test_an_answer_without_a_response_is_null_in_json_and_not_zero() -> None:
    document = recorded("timeout").as_json()
    assert document["rcode"] is None
    assert document["microseconds"] is None
    assert document["error"] == "no response in 2 s"


def test_the_command_splits_options_and_expands_no_asterisk(tmp_path: object) -> None:
    """The shell script itself, with an `echo` in the place of dig."""
    import subprocess

    words = dig.command([Question(name="*.one.test.", server="192.0.2.1")])
    script = words[2].replace("dig $q", "printf '<%s>' $q")
    done = subprocess.run(
        [*words[:2], script, *words[3:]],
        capture_output=True,
        text=True,
        check=True,
        cwd=str(tmp_path),
    )
    assert done.stdout.startswith(";;; nodedns\n<-u><+tries=1>")
    assert "<*.one.test.>" in done.stdout


def test_answers_are_read_while_the_output_comes_however_it_is_cut() -> None:
    output = (FOLDER / "round.txt").read_text() + ";;; nodedns\n"
    questions = [QUESTIONS[name] for name in ROUND]
    whole = dig.answers(questions, output)
    for size in (1, 7, 100, len(output)):
        reader = dig.Reader(questions)
        came = [a for n in range(0, len(output), size) for a in reader.feed(output[n : n + size])]
        assert came == whole
        assert reader.end() == []


def test_an_answer_is_there_as_soon_as_the_next_separator_has_come() -> None:
    output = (FOLDER / "noerror.txt").read_text()
    reader = dig.Reader([QUESTIONS["noerror"], QUESTIONS["timeout"]])
    assert reader.feed(output) == []
    [answer] = reader.feed(";;; nodedns\n")
    assert answer.ok
    [late] = reader.end()
    assert late.error == "dig printed nothing"


def test_the_manner_of_a_question_becomes_digs_options() -> None:
    manner = Manner(
        buffer_size=512, dnssec=True, checking_disabled=True, nsid=True, recursion=False, timeout=7
    )
    words = dig.command([Question(name="a.", server="192.0.2.1", manner=manner)])[4].split()
    assert {"+bufsize=512", "+dnssec", "+cdflag", "+nsid", "+norecurse", "+time=7"} <= {*words}
    plain = dig.command([Question(name="a.", server="192.0.2.1", manner=Manner(edns=False))])[4]
    assert "+noedns" in plain.split()


def test_digs_own_words_for_time_truncation_and_edns_are_kept() -> None:
    assert recorded("noerror").measured == "8564 usec"
    assert recorded("noerror").opt == ("EDNS: version: 0, flags:; udp: 8192",)
    assert recorded("truncated").truncated
    assert not recorded("noerror").truncated
