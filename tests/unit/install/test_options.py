from __future__ import annotations

import json

import pytest

from kubectl_nodedns.errors import RefusedError, UsageError
from kubectl_nodedns.install.options import (
    DEFAULTS,
    RESERVED,
    Memory,
    addresses,
    changes,
    check,
    check_addresses,
    selector_of,
    settle,
)

OLD_IMAGE = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.7"
OLD_DEFAULTS = {**DEFAULTS, "image": OLD_IMAGE}


def test_a_first_run_takes_the_defaults_and_mentions_nothing() -> None:
    memory, notes = settle({}, None, upgrade=False)
    assert memory == Memory(given={}, defaults=DEFAULTS)
    assert memory.value("local-ip") == "169.254.20.10"
    assert notes == []


def test_what_is_given_goes_before_a_default() -> None:
    memory, _ = settle({"image": "mirror/node-cache:1"}, None, upgrade=False)
    assert memory.value("image") == "mirror/node-cache:1"


def test_what_was_given_once_stays() -> None:
    before = Memory(given={"local-ip": "169.254.20.99"}, defaults=DEFAULTS)
    memory, notes = settle({}, before, upgrade=False)
    assert memory.value("local-ip") == "169.254.20.99"
    assert notes == []


def test_what_was_given_once_stays_even_with_upgrade() -> None:
    before = Memory(given={"image": OLD_IMAGE}, defaults=DEFAULTS)
    memory, _ = settle({}, before, upgrade=True)
    assert memory.value("image") == OLD_IMAGE


def test_what_is_given_again_replaces_what_was_given() -> None:
    before = Memory(given={"local-ip": "169.254.20.99", "mode": "iptables"}, defaults=DEFAULTS)
    memory, _ = settle({"local-ip": "169.254.20.11"}, before, upgrade=False)
    assert memory.given == {"local-ip": "169.254.20.11", "mode": "iptables"}


def test_a_newer_default_is_mentioned_and_not_taken() -> None:
    memory, notes = settle({}, Memory(defaults=OLD_DEFAULTS), upgrade=False)
    assert memory.value("image") == OLD_IMAGE
    [note] = notes
    assert OLD_IMAGE in note
    assert DEFAULTS["image"] in note
    assert "--upgrade" in note


def test_a_newer_default_is_taken_with_upgrade() -> None:
    memory, notes = settle({}, Memory(defaults=OLD_DEFAULTS), upgrade=True)
    assert memory.value("image") == DEFAULTS["image"]
    assert notes == []


def test_a_newer_default_is_not_mentioned_where_the_option_was_given() -> None:
    before = Memory(given={"local-ip": "169.254.20.99"}, defaults={**DEFAULTS, "local-ip": "x"})
    assert settle({}, before, upgrade=False)[1] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image", "mirror/node-cache:1"),
        ("image-registry", "mirror.example"),
        ("upstream", "192.0.2.53"),
        ("stub-domain", "corp.example=192.0.2.53"),
        ("cluster-plugins", "log\n"),
        ("outside-plugins", "log\n"),
        ("extra-blocks", "corp.example:53 {\n    bind __PILLAR__LOCAL__DNS__\n    whoami\n}\n"),
    ],
)
def test_what_runs_and_who_answers_is_told_where_it_is_remembered(name: str, value: str) -> None:
    before = Memory(given={name: value}, defaults=DEFAULTS)
    [note] = settle({}, before, upgrade=False)[1]
    assert note.startswith(f"{name}: {value.split(maxsplit=1)[0]}")
    assert "remembered from an earlier run" in note
    assert settle({name: value}, before, upgrade=False)[1] == []
    assert settle({}, before, upgrade=False, whole=True)[1] == []


WRONG = {
    "image": "evil image; rm -rf /",
    "image-registry": "evil.example/x@y",
    "upstream": "evil.example",
    "stub-domain": "corp.example=evil.example",
    "extra-blocks": "evil:53 {\n    file /etc/shadow\n}\n",
    "cluster-forward": "tls /etc/shadow",
    "outside-forward": "policy evil",
    "cluster-plugins": "file /etc/shadow",
    "outside-plugins": "}\nevil:53 {\n    log",
    "mode": "evil",
    "local-ip": "127.0.0.1",
    "cluster-domain": "a..b",
    "external-name": "b..c",
    "health-port": "9" * 5000,
    "node-selector": "kubernetes.io/os=windows",
    "labels": "app.kubernetes.io/managed-by=evil",
    "pod-annotations": "a=\x1b[2J",
    "toleration": "all,none",
    "cpu-limit": "-1",
    "memory-limit": "1",
    "priority-class": "Evil Class",
    "pull-secret": "../evil",
    "serve-stale": "1d",
    "forward-all-to-kube-dns": "perhaps",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_remembered_value_is_checked_as_a_given_one(name: str) -> None:
    with pytest.raises(UsageError) as typed:
        check(name, WRONG[name])
    for where in ("given", "defaults"):
        if where == "defaults" and name not in DEFAULTS:
            continue
        text = json.dumps({"given": {}, "defaults": {}, where: {name: WRONG[name]}})
        memory = Memory.of_text(text)
        assert memory.value(name) == ""
        assert memory.wrong == {name: str(typed.value)}
        with pytest.raises(RefusedError, match=f"--{name}") as refused:
            settle({}, memory, upgrade=True)
        assert f"Give --{name} anew" in refused.value.hint
        assert settle({name: "x"}, memory, upgrade=False)[0].given == {name: "x"}
        assert settle({}, memory, upgrade=False, whole=True)[0] == Memory(defaults=DEFAULTS)


def test_a_remembered_value_of_another_type_is_none_that_could_be_given() -> None:
    text = json.dumps({"given": {"image": {"a": 1}, "mode": None, "cache-ttl": 30}, "defaults": {}})
    memory = Memory.of_text(text)
    assert memory.given == {"cache-ttl": "30"}
    assert set(memory.wrong) == {"image", "mode"}


def test_what_older_versions_wrote_is_still_read() -> None:
    given = {"upstream": "", "serve-stale": "", "node-selector": "", "local-ip": "169.254.20.11"}
    text = json.dumps({"given": given, "defaults": OLD_DEFAULTS})
    assert Memory.of_text(text) == Memory(given=given, defaults=OLD_DEFAULTS)
    assert Memory.of_text(text).wrong == {}


def test_a_remembered_dns_service_is_where_the_installation_is() -> None:
    text = Memory(given={"dns-service": "tenant/dns"}).as_text()
    assert Memory.of_text(text, home="kube-system").wrong["dns-service"]
    assert Memory.of_text(text, home="tenant").given == {"dns-service": "tenant/dns"}


def test_an_option_that_an_older_version_did_not_have_takes_its_default() -> None:
    memory, notes = settle({}, Memory(defaults={"image": DEFAULTS["image"]}), upgrade=False)
    assert memory.value("external-name") == DEFAULTS["external-name"]
    assert notes == []


def test_an_option_that_nobody_gave_and_that_has_no_default_is_empty() -> None:
    assert settle({}, None, upgrade=False)[0].value("mode") == ""


def test_memory_survives_its_annotation() -> None:
    memory = Memory(given={"mode": "nftables"}, defaults=DEFAULTS)
    assert Memory.of_text(memory.as_text()) == memory


def test_the_annotation_of_equal_memories_is_equal_whatever_their_order() -> None:
    one = Memory(given={"mode": "iptables", "image": "a"})
    other = Memory(given={"image": "a", "mode": "iptables"})
    assert one.as_text() == other.as_text()


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"given": []}', '{"given": {}}', "null", "[" * 100_000]
)
def test_an_unreadable_annotation_is_an_empty_memory(text: str) -> None:
    assert Memory.of_text(text) == Memory()


def test_names_that_this_version_does_not_know_are_forgotten() -> None:
    text = '{"given": {"colour": "red", "mode": "iptables"}, "defaults": {"mode": "x"}}'
    assert Memory.of_text(text) == Memory(given={"mode": "iptables"}, defaults={})


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("local-ip", " 169.254.20.11 ", "169.254.20.11"),
        ("local-ip", "FD00:90de:d95::1", "fd00:90de:d95::1"),
        ("cluster-domain", "K8s.Example.com.", "k8s.example.com"),
        ("cluster-domain", "cluster", "cluster"),
        ("image", "localhost:5000/dns/node-cache@sha256:" + "a" * 64, None),
        ("image", "node-cache", None),
        ("external-name", "none", "none"),
        ("external-name", "Example.COM.", "example.com"),
        ("node-selector", "pool=a, zone.io/x=", "pool=a,zone.io/x="),
        ("node-selector", "b=2,a=1", "a=1,b=2"),
        ("node-selector", "", ""),
        ("mode", "iptables", "iptables"),
    ],
)
def test_a_good_value_gets_its_canonical_form(name: str, given: str, value: str | None) -> None:
    assert check(name, given) == (given if value is None else value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("local-ip", "169.254.20"),
        ("local-ip", "127.0.0.1"),
        ("local-ip", "fe80::1"),
        ("local-ip", "::1"),
        ("local-ip", "0.0.0.0"),
        ("local-ip", "224.0.0.1"),
        ("local-ip", "fe80::1%eth0"),
        ("local-ip", "255.255.255.255"),
        ("cluster-domain", ""),
        ("cluster-domain", "a..b"),
        ("cluster-domain", "-a.b"),
        ("cluster-domain", "under_score.local"),
        ("cluster-domain", "a" * 64),
        ("cluster-domain", "a." * 120 + "local"),
        ("cluster-domain", "cluster.local {\n}"),
        ("image", ""),
        ("image", "UPPER/case:1"),
        ("image", "two words"),
        ("image", "node-cache@sha256:abc"),
        ("external-name", "b..c"),
        ("dns-service", "kube-dns"),
        ("node-selector", "pool"),
        ("node-selector", "=x"),
        ("node-selector", "a=b c"),
        ("node-selector", "a!=b"),
    ],
)
def test_a_bad_value_is_refused_by_its_option(name: str, given: str) -> None:
    with pytest.raises(UsageError, match=f"--{name}") as caught:
        check(name, given)
    assert repr(given)[1:-1] in str(caught.value)


@pytest.mark.parametrize("ip", RESERVED)
def test_an_address_of_a_cloud_agent_is_refused_with_its_owner(ip: str) -> None:
    with pytest.raises(UsageError) as caught:
        check("local-ip", ip)
    assert RESERVED[ip] in str(caught.value)


@pytest.mark.parametrize(
    ("local", "service"), [("169.254.20.10", "10.96.0.10"), ("fd00::1", "fd00:10:96::a")]
)
def test_one_address_family_is_accepted(local: str, service: str) -> None:
    check_addresses(local, service)


@pytest.mark.parametrize(
    ("local", "service"), [("169.254.20.10", "fd00:10:96::a"), ("fd00::1", "10.96.0.10")]
)
def test_two_address_families_are_refused(local: str, service: str) -> None:
    with pytest.raises(RefusedError) as caught:
        check_addresses(local, service)
    assert local in str(caught.value)
    assert service in str(caught.value)
    assert "--local-ip" in caught.value.hint


def test_the_dns_services_own_address_is_refused() -> None:
    with pytest.raises(RefusedError, match="the DNS service itself"):
        check_addresses("10.96.0.10", "10.96.0.10")


def test_options_that_an_installation_gets_are_told_with_what_they_were() -> None:
    before = Memory(given={"mode": "iptables"}, defaults=OLD_DEFAULTS)
    after = Memory(given={"mode": "iptables", "cluster-domain": "a.test"}, defaults=DEFAULTS)
    lines = changes(before, after)
    assert f"option image: {OLD_IMAGE} → {DEFAULTS['image']}" in lines
    assert "option cluster-domain: not given → a.test" in lines
    assert len(lines) == 2


def test_a_selector_is_read_into_labels() -> None:
    assert selector_of("a=1, b=2,c=") == {"a": "1", "b": "2", "c": ""}
    assert selector_of("") == {}


@pytest.mark.parametrize(
    ("given", "ips", "expected"),
    [
        ("", ["10.96.0.10"], ("169.254.20.10", "10.96.0.10")),
        ("", ["10.96.0.10", "fd00:10::a"], ("169.254.20.10", "10.96.0.10")),
        ("", ["fd00:10::a"], ("fd00:90de:d95::1", "fd00:10::a")),
        ("", ["fd00:10::a", "10.96.0.10"], ("fd00:90de:d95::1", "fd00:10::a")),
        ("fd00::53", ["10.96.0.10", "fd00:10::a"], ("fd00::53", "fd00:10::a")),
    ],
)
def test_the_cache_speaks_the_family_that_was_given_or_that_comes_first(
    given: str, ips: list[str], expected: tuple[str, str]
) -> None:
    memory, _ = settle({"local-ip": given} if given else {}, None, upgrade=False)
    assert addresses(memory, ips) == expected


def test_a_family_that_the_service_does_not_have_is_refused() -> None:
    memory, _ = settle({"local-ip": "fd00::53"}, None, upgrade=False)
    with pytest.raises(RefusedError, match="one address family"):
        addresses(memory, ["10.96.0.10"])
