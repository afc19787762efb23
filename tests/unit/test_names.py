from __future__ import annotations

import pytest

from kubectl_nodedns import names
from kubectl_nodedns.errors import UsageError


def test_the_marker_lives_under_the_cluster_domain() -> None:
    assert names.marker_name("cluster.local") == "id.nodedns.cluster.local."


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("example.com", "example.com."),
        ("example.com.", "example.com."),
        (" Example.COM ", "example.com."),
        ("_dns._udp.kube-dns", "_dns._udp.kube-dns."),
        ("*.example.com", "*.example.com."),
        ("bücher.example", "xn--bcher-kva.example."),
        (r"white\032space.test", r"white\032space.test."),
        (r"dot\.inside.test", r"dot\.inside.test."),
        ("a" * 63 + ".test", "a" * 63 + ".test."),
    ],
)
def test_a_name_becomes_absolute_lower_case_and_ascii(given: str, name: str) -> None:
    assert names.absolute(given) == name


@pytest.mark.parametrize("given", ["b..c", ".", "", "a" * 64 + ".test", "a." * 128, ".test"])
def test_what_is_no_domain_name_is_refused_by_its_option(given: str) -> None:
    with pytest.raises(UsageError, match="--external-name") as caught:
        names.absolute(given, option="--external-name")
    assert repr(given)[:20] in str(caught.value)


@pytest.mark.parametrize("given", ["two words.test", "tab\there.test", "line\nbreak.test"])
def test_white_space_never_survives_in_a_name(given: str) -> None:
    """dig's arguments are split at white space, so a name must not hold any."""
    try:
        name = names.absolute(given)
    except UsageError:
        return
    assert name.split() == [name]


@pytest.mark.parametrize(
    ("given", "rtype"), [("a", "A"), ("AAAA", "AAAA"), ("Ptr", "PTR"), ("TYPE65280", "TYPE65280")]
)
def test_a_record_type_is_read_in_any_case(given: str, rtype: str) -> None:
    assert names.record_type(given) == rtype


@pytest.mark.parametrize("given", ["", "NOSUCH", "A B", "TYPE70000"])
def test_what_is_no_record_type_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="is not a record type") as caught:
        names.record_type(given)
    assert "AAAA" in caught.value.hint


@pytest.mark.parametrize(
    ("given", "ip"),
    [
        ("169.254.20.10", "169.254.20.10"),
        (" 10.96.0.10 ", "10.96.0.10"),
        ("FD00:90DE:D95:0::1", "fd00:90de:d95::1"),
    ],
)
def test_an_address_gets_its_canonical_form(given: str, ip: str) -> None:
    assert names.address(given, option="--local-ip") == ip


@pytest.mark.parametrize(
    "given",
    ["", "169.254.20", "169.254.20.256", "010.96.0.10", "10.96.0.0/16", "host", "fe80::1%eth0"],
)
def test_what_is_no_address_is_refused_by_its_option(given: str) -> None:
    with pytest.raises(UsageError, match="--local-ip") as caught:
        names.address(given, option="--local-ip")
    assert repr(given) in str(caught.value)


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("10.96.0.10", "10.0.96.10.in-addr.arpa."),
        ("fd00::a", "a." + "0." * 27 + "0.0.d.f.ip6.arpa."),
    ],
)
def test_the_reverse_name_of_an_address(ip: str, name: str) -> None:
    assert names.reverse(ip) == name
