"""`lookup --direct`: this machine asks, at the cluster's addresses or at its own."""

from __future__ import annotations

import socket
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_nodedns.errors import UsageError
from kubectl_nodedns.lookup.direct import own_conf, rounds_from_here
from kubectl_nodedns.lookup.events import LookupCame, NameFound, Report, RoundBegan
from kubectl_nodedns.lookup.resolv_conf import ResolvConf
from tests.unit.lookup.samples import bad, good
from tests.unit.lookup.ways import REQUEST, WAY, Told, cache, node

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from kubectl_nodedns.facts.way import Way
    from kubectl_nodedns.lookup.question import Answer, Question

CONF = ResolvConf(nameservers=("192.0.2.53",), search=("example.org",), options=("ndots:2",))


class Everywhere:
    """Whom this machine asks: everybody knows one name."""

    async def answers(self, _: str, questions: Sequence[Question]) -> AsyncGenerator[Answer, None]:
        for question in questions:
            known = question.name == "web.shop.example.org."
            yield good(question) if known else bad(question, "NXDOMAIN")


async def events(way: Way | None, conf: ResolvConf = CONF, **more: Any) -> list[Any]:
    told = Told()
    of = rounds_from_here(way, replace(REQUEST, **more), told, conf=conf, asker=Everywhere())
    async with aclosing(of) as coming:
        found = [event async for event in coming]
    return [*found, told.said]


async def test_without_a_cluster_its_own_resolvers_are_asked() -> None:
    *found, (said,) = await events(None)
    assert [type(one) for one in found] == [NameFound, RoundBegan, LookupCame, Report]
    report = found[-1]
    assert report.name == "web.shop.example.org."
    assert [(str(one.point.where), one.node) for one in report.lookups] == [("resolver", "here")]
    assert said == "ask web.shop A from this machine (here)"


async def test_in_a_cluster_its_addresses_are_asked_and_the_marker_of_a_cache_of_ours() -> None:
    way = replace(WAY, cache=cache("169.254.20.10", "10.96.0.10"))
    report = (await events(way, servers=("192.0.2.9",)))[-2]
    assert {one.point.address: one.marker is not None for one in report.lookups} == {
        "169.254.20.10": True,
        "10.96.0.10": True,
        "10.244.1.3": False,
        "192.0.2.9": True,
        "192.0.2.53": True,
    }
    others = replace(way, cache=cache("169.254.20.10", ours=False))
    report = (await events(others))[-2]
    assert not any(one.marker for one in report.lookups)


async def test_a_machine_that_is_a_node_has_the_nodes_name() -> None:
    name = socket.gethostname()
    report = (await events(replace(WAY, nodes=(node(name),))))[-2]
    assert {one.node for one in report.lookups} == {name}


async def test_an_absolute_name_and_one_without_a_nameserver_are_not_searched_for() -> None:
    found = await events(None, absolute=True)
    assert not any(isinstance(one, NameFound) for one in found)
    found = await events(None, ResolvConf(), servers=("192.0.2.9",))
    assert (found[-2].name, found[-2].tried) == ("web.shop.", ())


async def test_with_no_address_at_all_there_is_nothing_to_ask() -> None:
    with pytest.raises(UsageError, match="--direct: there is no address to ask at"):
        await events(None, ResolvConf())


async def test_with_an_interval_it_goes_on() -> None:
    of = rounds_from_here(
        None, replace(REQUEST, interval=2.0), Told(), conf=CONF, asker=Everywhere()
    )
    reports = 0
    async with aclosing(of) as coming:
        async for event in coming:
            reports += isinstance(event, Report)
            if reports == 3:
                break
    assert reports == 3


def test_a_machine_without_a_resolv_conf_has_an_empty_one(tmp_path: Path) -> None:
    assert own_conf(tmp_path / "none") == ResolvConf()
    (tmp_path / "conf").write_text("nameserver 192.0.2.1\n")
    assert own_conf(tmp_path / "conf").nameservers == ("192.0.2.1",)
