from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_nodedns.facts.corefile import CorefileError, Key, Plugin
from kubectl_nodedns.facts.corefile_reader import read_corefile, tokens_of
from kubectl_nodedns.facts.zones import closest, within, zone_of_key
from kubectl_nodedns.install.corefile import corefile
from tests.unit.facts.corefiles import CUSTOM, KUBEADM, MANAGED

words = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), blacklist_characters='"#\\'),
    min_size=1,
).filter(lambda word: not word.isspace() and len(word.split()) == 1)


def test_plugins_have_arguments_and_bodies() -> None:
    (block,) = read_corefile(KUBEADM).blocks
    assert block.keys == (Key(zone=".", port=53, scheme="dns"),)
    names = [plugin.name for plugin in block.plugins]
    assert names == [
        *("errors", "health", "ready", "kubernetes", "prometheus"),
        *("forward", "cache", "loop", "reload", "loadbalance"),
    ]
    assert block.plugins[3] == Plugin(
        name="kubernetes",
        arguments=("cluster.local", "in-addr.arpa", "ip6.arpa"),
        body=(("pods", "insecure"), ("fallthrough", "in-addr.arpa", "ip6.arpa"), ("ttl", "30")),
    )
    assert block.all("forward")[0].body == (("max_concurrent", "1000"),)


def test_files_are_imported_where_coredns_sees_them() -> None:
    read = read_corefile(MANAGED, files=CUSTOM)
    root, corp = read.blocks
    assert corp.zones() == ("corp.example", "lab.example")
    assert [p.name for p in root.plugins].count("rewrite") == 3
    assert root.all("hosts")[0].body[0] == ("192.0.2.10", "git.corp.example", "registry.example")
    assert root.all("template")[0].body[0] == (
        "match",
        "^(?:[^.]+\\.){4,}internal\\.cloudapp\\.net\\.$",
    )
    assert read.missing == ()


def test_a_glob_may_match_nothing_but_a_file_must_be_there() -> None:
    assert read_corefile(MANAGED).missing == ()
    assert read_corefile(". {\n import zones/more.conf\n}").missing == ("zones/more.conf",)


def test_snippets_stand_for_their_words() -> None:
    text = """
    (common) {
        errors
        forward . 192.0.2.1 {
            import limits
        }
    }
    (limits) {
        max_concurrent 7
    }
    a.example {
        import common
        log
    }
    """
    (block,) = read_corefile(text).blocks
    assert block.plugins == (
        Plugin(name="errors"),
        Plugin(name="forward", arguments=(".", "192.0.2.1"), body=(("max_concurrent", "7"),)),
        Plugin(name="log"),
    )


def test_snippets_that_import_each_other_end() -> None:
    text = "(a) {\n import b\n}\n(b) {\n import a\n}\n. {\n import a\n}\n"
    with pytest.raises(CorefileError, match="circle"):
        read_corefile(text)


def test_keys_have_zones_ports_and_protocols() -> None:
    text = "Example.ORG. tls://secure.example:853, 10.0.0.0/8,\nfd00::/12:5353 :1053 {\n}\n"
    (block,) = read_corefile(text).blocks
    assert block.keys == (
        Key(zone="example.org", port=53, scheme="dns"),
        Key(zone="secure.example", port=853, scheme="tls"),
        Key(zone="10.in-addr.arpa", port=53, scheme="dns"),
        Key(zone="0.d.f.ip6.arpa", port=5353, scheme="dns"),
        Key(zone=".", port=1053, scheme="dns"),
    )
    assert block.zones() == ("example.org", "10.in-addr.arpa")


def test_a_file_without_braces_is_one_server_block() -> None:
    (block,) = read_corefile("example.org\nforward . 192.0.2.1\nlog\n").blocks
    assert [str(plugin) for plugin in block.plugins] == ["forward . 192.0.2.1", "log"]


def test_the_environment_is_put_in_and_missing_variables_are_empty() -> None:
    text = ".:{$PORT} {\n forward . {%UPSTREAM%} {$NONE}\n}\n"
    (block,) = read_corefile(text, environment={"PORT": "53", "UPSTREAM": "192.0.2.1"}).blocks
    assert block.zones() == (".",)
    assert block.plugins[0].arguments == (".", "192.0.2.1", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (". {\n errors\n", "never closed"),
        (". {\n hosts {\n", "never closed"),
        ("}\n", "closes nothing"),
        (". {\n import\n}\n", "import needs"),
        (". {\n {\n }\n}\n", "where a plugin should stand"),
    ],
)
def test_what_coredns_would_not_start_with_is_an_error_with_its_place(
    text: str, message: str
) -> None:
    with pytest.raises(CorefileError, match=message) as error:
        read_corefile(text)
    assert "line " in str(error.value)


def test_the_corefile_that_is_installed_can_be_read() -> None:
    text = corefile(
        cluster_domain="cluster.local", local_ip="169.254.20.10", marker_zone="id.cluster.local"
    )
    read = read_corefile(text)
    zones = [zone for block in read.blocks for zone in block.zones()]
    assert zones == ["cluster.local", "in-addr.arpa", "ip6.arpa", ".", "id.cluster.local"]
    forward = read.blocks[0].all("forward")[0]
    assert forward.arguments == (".", "__PILLAR__CLUSTER__DNS__")
    assert forward.body == (("force_tcp",), ("max_concurrent", "1000"))


@given(st.lists(words, max_size=8))
def test_words_come_back_whatever_is_in_them(given_words: list[str]) -> None:
    assert [t.text for t in tokens_of(" ".join(given_words))] == given_words
    quoted = " ".join(f'"{word}  {word}"' for word in given_words)
    assert [t.text for t in tokens_of(quoted)] == [f"{word}  {word}" for word in given_words]


@given(st.text(alphabet='ab.:{}()"#\\ \n/import$%', max_size=60))
def test_any_text_is_read_or_is_an_error_of_its_own_kind(text: str) -> None:
    try:
        read = read_corefile(text, files={"/etc/coredns/a": "import b\n", "/etc/coredns/b": text})
    except CorefileError:
        return
    assert all(block.keys for block in read.blocks)


def test_zones_enclose_names() -> None:
    assert within("a.b.example", "b.example")
    assert within("b.example", "b.example")
    assert not within("ab.example", "b.example")
    assert within("b.example", ".")
    assert closest("x.b.example", ["example", ".", "b.example", "y.b.example"]) == "b.example"
    assert closest("x.b.example", ["other"]) is None


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("10.96.0.0/12", "10.in-addr.arpa"),
        ("10.96.0.0/16", "96.10.in-addr.arpa"),
        ("0.0.0.0/0", "in-addr.arpa"),
        ("2001:db8::/32", "8.b.d.0.1.0.0.2.ip6.arpa"),
        ("a/b", "a/b"),
    ],
)
def test_a_range_means_its_reverse_zone(text: str, zone: str) -> None:
    assert zone_of_key(text) == zone


def test_a_snippet_that_is_imported_hundreds_of_times_is_read() -> None:
    lines = "\n".join(f"    errors{n}" for n in range(100))
    imports = "\n".join(["    import s"] * 900)
    read = read_corefile(f"(s) {{\n{lines}\n}}\n.:53 {{\n{imports}\n}}\n")
    assert len(read.blocks[0].plugins) == 100 * 900


def test_snippets_that_import_snippets_end() -> None:
    twice = [f"(s{n}) {{\n    import s{n - 1}\n    import s{n - 1}\n}}" for n in range(1, 40)]
    doubled = ["(s0) {\n    errors\n}", *twice]
    text = "\n".join(doubled) + "\n.:53 {\n    import s39\n}\n"
    with pytest.raises(CorefileError, match=r"circle|words"):
        read_corefile(text)


def test_a_large_snippet_that_is_imported_again_and_again_is_too_much() -> None:
    lines = "\n".join(f"    errors{n}" for n in range(1000))
    imports = "\n".join(["    import s"] * 900)
    with pytest.raises(CorefileError, match="more than 100000 words"):
        read_corefile(f"(s) {{\n{lines}\n}}\n.:53 {{\n{imports}\n}}\n")


@pytest.mark.parametrize("port", ["9" * 5000, "9" * 500, "0", "65536"])
def test_a_port_that_there_is_not_is_no_key(port: str) -> None:
    with pytest.raises(CorefileError, match="zone"):
        read_corefile(f"example.org:{port} {{\n    errors\n}}\n")


def test_a_key_of_any_length_is_refused_at_once() -> None:
    with pytest.raises(CorefileError, match="zone"):
        read_corefile(f"{':' * 500_000} {{\n    errors\n}}\n")
