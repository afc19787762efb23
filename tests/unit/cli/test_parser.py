from __future__ import annotations

import argparse
from dataclasses import fields

import pytest

from kubectl_nodedns.cli.parser import build_parser, program_name
from kubectl_nodedns.cluster.access import AccessOptions
from kubectl_nodedns.commands.given import access_options
from kubectl_nodedns.errors import Exit
from kubectl_nodedns.install.option_table import OPTIONS

COMMANDS = ("enable", "disable", "top", "bench", "completion", "version")
TAKE_ACCESS = ("enable", "disable", "top", "bench", "version")
ACCESS = {
    "--kubeconfig": "kubeconfig",
    "--context": "context",
    "--cluster": "cluster",
    "--user": "user",
    "--server": "server",
    "-s": "server",
    "--token": "token",
    "--as": "as_user",
    "--as-uid": "as_uid",
    "--tls-server-name": "tls_server_name",
    "--certificate-authority": "certificate_authority",
    "--client-certificate": "client_certificate",
    "--client-key": "client_key",
    "--request-timeout": "request_timeout",
}


def parse(*words: str) -> argparse.Namespace:
    return build_parser().parse_args(words)


def subparser(name: str) -> argparse.ArgumentParser:
    [action] = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    found = action.choices[name]
    assert isinstance(found, argparse.ArgumentParser)
    return found


@pytest.mark.parametrize("command", TAKE_ACCESS)
@pytest.mark.parametrize(("flag", "name"), ACCESS.items())
def test_kubectls_flags_work_before_and_after_the_command(
    command: str, flag: str, name: str
) -> None:
    assert getattr(parse(flag, "x", command), name) == "x"
    assert getattr(parse(command, flag, "x"), name) == "x"
    assert getattr(parse(command, f"{flag}=x" if flag != "-s" else "-sx"), name) == "x"


@pytest.mark.parametrize("command", TAKE_ACCESS)
def test_a_flag_after_the_command_wins_over_the_same_before_it(command: str) -> None:
    assert parse("--context", "before", command, "--context", "after").context == "after"


@pytest.mark.parametrize("command", TAKE_ACCESS)
def test_a_switch_works_before_and_after_the_command(command: str) -> None:
    assert parse("--insecure-skip-tls-verify", command).insecure_skip_tls_verify is True
    assert parse(command, "--insecure-skip-tls-verify").insecure_skip_tls_verify is True
    assert not parse(command).insecure_skip_tls_verify


def test_groups_add_up() -> None:
    assert parse("top", "--as-group", "a", "--as-group", "b").as_groups == ["a", "b"]
    assert parse("--as-group", "a", "--as-group", "b", "top").as_groups == ["a", "b"]


def test_everything_that_access_understands_can_be_given() -> None:
    given = {f.name for f in fields(AccessOptions)} - {"interactive", "service_account"}
    assert given == {*ACCESS.values(), "as_groups", "insecure_skip_tls_verify"}
    assert given <= set(vars(parse("top")))


def test_only_what_was_given_becomes_an_access_option() -> None:
    given = access_options(parse("--context", "a", "top", "--token", "t"))
    assert given == AccessOptions(context="a", token="t")


@pytest.mark.parametrize(
    ("argv0", "name"),
    [
        ("/usr/local/bin/kubectl-nodedns", "kubectl nodedns"),
        ("kubectl-nodedns", "kubectl nodedns"),
        ("kubectl-nodedns.exe", "kubectl nodedns"),
        ("/root/.krew/bin/kubectl-node_dns", "kubectl node-dns"),
        ("/usr/lib/python3/kubectl_nodedns/__main__.py", "kubectl nodedns"),
        ("nodedns", "kubectl nodedns"),
        ("", "kubectl nodedns"),
    ],
)
def test_usage_shows_what_the_person_typed(argv0: str, name: str) -> None:
    assert program_name(argv0) == name
    assert build_parser(argv0).format_usage().startswith(f"usage: {name} ")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str) -> None:
    parser = subparser(command)
    bare = [a.option_strings for a in parser._actions if a.option_strings and not a.help]
    assert bare == []
    text = parser.format_help()
    for action in parser._actions:
        for option in action.option_strings:
            assert option in text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_every_exit_code(command: str) -> None:
    _, found, codes = subparser(command).format_help().partition("exit codes:\n")
    assert found
    for code in Exit:
        assert f"{int(code)} " in codes


def test_help_names_every_command() -> None:
    text = build_parser().format_help()
    for command in COMMANDS:
        assert f"    {command} " in text


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["enable", "--nonsense"],
        ["enable", "--dry-run", "sometimes"],
        ["enable", "-o", "xml"],
        ["enable", "extra"],
        ["enable", "--mode", "userspace"],
        ["enable", "--local-ip"],
        ["enable", "--batch-size", "0"],
        ["enable", "--batch-size", "many"],
        ["enable", "--dry"],
        ["--cont", "x", "top"],
    ],
)
def test_a_wrong_command_line_ends_with_2_and_a_word_about_it(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(*words)
    assert caught.value.code == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: kubectl nodedns")
    assert "_positive" not in err
    assert any(word in err for word in words)


@pytest.mark.parametrize("command", ["enable", "check"])
def test_every_option_of_an_installation_can_be_given(command: str) -> None:
    known = {name for action in subparser(command)._actions for name in action.option_strings}
    assert {f"--{option.name}" for option in OPTIONS} | {"--config", "--upgrade"} <= known


def test_kubectls_way_of_writing_a_dry_run_is_understood() -> None:
    assert parse("enable", "--dry-run=client", "-oyaml").output == "yaml"
    assert parse("enable").dry_run == "none"


@pytest.mark.parametrize(
    ("words", "program", "error"),
    [
        (["lookup", "a", "b", "c"], "kubectl nodedns lookup", "unrecognized arguments: c"),
        (["check", "--nope"], "kubectl nodedns check", "unrecognized arguments: --nope"),
        (["--nope", "check"], "kubectl nodedns", "unrecognized arguments: --nope"),
        (["check", "--fail-on", "x"], "kubectl nodedns check", "argument --fail-on: invalid"),
        (["nope"], "kubectl nodedns", "argument COMMAND: invalid choice: 'nope'"),
    ],
)
def test_what_cannot_be_parsed_is_told_as_every_error_is(
    words: list[str], program: str, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        build_parser().parse_args(words)
    assert end.value.code == 2
    usage, *said = capsys.readouterr().err.splitlines()
    assert usage.startswith(f"usage: {program} ")
    assert said[0].startswith(f"error: {error}")
    assert said[1:] == [f"  {program} --help lists what can be given"]
