"""What a Corefile says about a cache: zones, addresses, room for entries."""

from __future__ import annotations

import pytest

from kubectl_nodedns.facts.corefile import CorefileError, Plugin
from kubectl_nodedns.facts.corefile_reader import read_corefile
from kubectl_nodedns.install.corefile import corefile

OURS = corefile(
    cluster_domain="cluster.local", local_ip="169.254.20.10", marker_zone="id.nodedns.cluster.local"
)


def test_our_own_corefile_is_read() -> None:
    blocks = read_corefile(OURS).blocks
    assert [block.names for block in blocks] == [
        ("cluster.local",),
        ("in-addr.arpa",),
        ("ip6.arpa",),
        (".",),
        ("id.nodedns.cluster.local",),
    ]
    assert [block.capacity for block in blocks] == [19968, 19968, 19968, 19968, 0]
    assert blocks[0].binds == ("__PILLAR__LOCAL__DNS__",)
    assert blocks[0].all("forward")[0].arguments == (".", "__PILLAR__CLUSTER__DNS__")
    assert [line[0] for line in blocks[0].all("forward")[0].body] == [
        "force_tcp",
        "max_concurrent",
    ]
    answer = blocks[-1].all("template")[0].body[0]
    assert answer == ("answer", '{{ .Name }} 0 IN TXT "{$NODE_NAME} {$POD_UID}"')


def test_sizes_limits_and_switched_off_caches_are_read() -> None:
    (block,) = read_corefile(
        ".:53 {\n cache 30 {\n success 1000\n denial 500 5\n }\n"
        " forward . 10.0.0.2 {\n max_concurrent 1000\n }\n}\n"
    ).blocks
    assert (block.capacity, block.max_concurrent, block.binds) == (1500, 1000, ())
    (block,) = read_corefile(". {\n cache {\n disable denial\n }\n}").blocks
    assert block.capacity == 9984


def test_comments_snippets_and_several_zones_are_understood() -> None:
    blocks = read_corefile(
        "(common) {\n errors # all of them\n}\n# a comment\n"
        "example.org, example.net:5353 dns://a.b.:53 {\n import common\n}"
    ).blocks
    assert len(blocks) == 1
    assert blocks[0].names == ("example.org", "example.net", "a.b")
    assert str(blocks[0]) == "example.org example.net:5353 dns://a.b.:53"
    assert [plugin.name for plugin in blocks[0].plugins] == ["errors"]


@pytest.mark.parametrize("text", [".:53 {\n errors\n cache {\n success 12", "}\n}"])
def test_coredns_does_not_start_with_braces_that_do_not_match(text: str) -> None:
    with pytest.raises(CorefileError):
        read_corefile(text)


def test_an_empty_corefile_serves_nothing() -> None:
    assert read_corefile("").blocks == ()


@pytest.mark.parametrize(
    "lines",
    [
        "cache 30",
        "forward . 192.0.2.1 {\n    force_tcp\n    max_concurrent 1000\n}",
        'template IN TXT {\n    answer "{{ .Name }} 0 IN TXT \\"a b\\""\n}',
        'log . "{remote} # {type}" {\n    class error\n}',
        "rewrite {\n    name regex a(.*) b{1}\n    answer auto\n}",
    ],
)
def test_a_plugin_is_written_as_it_was_read(lines: str) -> None:
    def read(text: str) -> Plugin:
        (plugin,) = read_corefile(f".:53 {{\n{text}\n}}\n").blocks[0].plugins
        return plugin

    plugin = read(lines)
    assert plugin.written() == lines
    assert read(plugin.written()) == plugin
