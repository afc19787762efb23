"""Which proxy is asked: as Go reads the environment, and so kubectl."""

from __future__ import annotations

import pytest

from kubectl_nodedns.cluster.proxies import usual_proxy

PROXY = "http://proxy.example:3128"


def asked(url: str, no_proxy: str) -> bool:
    return usual_proxy(url, {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}) == PROXY


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("10.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "192.168.0.0/16, 10.1.2.0/24"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3:6443", "10.1.2.3:6443"),
        ("[fd00::1]:6443", "fd00::/8"),
        ("[fd00::1]:6443", "fd00:0::1"),
        ("[fd00::1]:6443", "[fd00::1]:6443"),
        ("api.example.com", "*.example.com"),
        ("api.example.com", ".example.com"),
        ("api.example.com", "example.com"),
        ("example.com", "example.com"),
        ("API.Example.com", "*.EXAMPLE.com"),
        ("api.example.com:6443", "example.com:6443"),
        ("a.b.example.com", "*.example.com"),
        ("anything", "x,*"),
        ("localhost:6443", ""),
        ("127.0.0.2", ""),
        ("[::1]", ""),
    ],
)
def test_what_no_proxy_names_is_asked_directly(host: str, no_proxy: str) -> None:
    assert not asked(f"https://{host}", no_proxy)


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("11.1.2.3", "10.0.0.0/8"),
        ("10.1.2.3", "10.0.0.0/99"),
        ("10.1.2.3", "*.2.3"),
        ("10.1.2.3:6443", "10.1.2.3:443"),
        ("example.com", "*.example.com"),
        ("example.com", ".example.com"),
        ("badexample.com", "example.com"),
        ("api.example.com", "api.example.com:443000"),
        ("api.example.com:6443", "example.com:443"),
        ("fd00.example.com", "fd00::/8"),
        ("api.example.com", ""),
        ("api.example.com", " , ,:6443"),
        ("api.example.com", "example.com:" + "1" * 5000),
    ],
)
def test_whatever_else_goes_through_the_proxy(host: str, no_proxy: str) -> None:
    assert asked(f"https://{host}", no_proxy)


def test_each_scheme_has_its_own_proxy_and_a_proxy_without_one_is_http() -> None:
    environ = {"https_proxy": "p:1", "HTTP_PROXY": "socks5://q:2", "ALL_PROXY": "http://r:3"}
    assert usual_proxy("https://api", environ) == "http://p:1"
    assert usual_proxy("http://api", environ) == "socks5://q:2"
    assert usual_proxy("https://api", {"HTTP_PROXY": "q:2"}) is None
