"""What one scrape costs from request to figures, over loopback, with a CoreDNS page.

A server in a process of its own sends the page as the API server's pod proxy does, gzipped. Timed
is what happens here: the request, unpacking, parsing, figures. Beside it stand the same requests
with prometheus_client as the parser. CPU is this process's own. Run: python benchmarks/scrape.py
"""

from __future__ import annotations

import asyncio
import platform
import subprocess
import sys
import time
from os import cpu_count
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from aiohttp import web
from prometheus_client.parser import text_string_to_metric_families

from kubectl_nodedns.cluster.access import Access
from kubectl_nodedns.cluster.client import Client
from kubectl_nodedns.cluster.paths import pod_proxy
from kubectl_nodedns.metrics.figures import figures
from kubectl_nodedns.metrics.page import read_page
from tests.unit.metrics.pages import idle_page

if TYPE_CHECKING:
    from collections.abc import Callable

SCRAPES = 200
ROUNDS = 5
PATH = pod_proxy("kube-system", "node-local-dns-abcde", 9253, "metrics")


def serve() -> None:
    """Serve the page at every path, on a port that is printed."""

    async def page(_request: web.Request) -> web.Response:
        answer = web.Response(text=idle_page())
        answer.enable_compression(web.ContentCoding.gzip)
        return answer

    async def run() -> None:
        application = web.Application()
        application.router.add_get("/{path:.*}", page)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


async def measure(client: Client, work: Callable[[str], object]) -> tuple[float, float]:
    """Return milliseconds of time and of CPU for each scrape."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(SCRAPES):
        work(await client.get_text(PATH))
    spent = time.perf_counter() - wall, time.process_time() - cpu
    return 1000 * spent[0] / SCRAPES, 1000 * spent[1] / SCRAPES


async def compare(port: int) -> dict[str, tuple[float, float]]:
    """Time each way in turn, round after round; keep the best, which noise touches least."""
    before = read_page(idle_page(), at=0.0)
    ways: dict[str, Callable[[str], object]] = {
        "request alone": len,
        "request, ours: page and figures": lambda text: figures(before, read_page(text, at=2.0)),
        "request, prometheus_client": lambda text: list(text_string_to_metric_families(text)),
    }
    access = Access(
        server=f"http://127.0.0.1:{port}", context="", namespace="default", tls=True, headers={}
    )
    best = dict.fromkeys(ways, (float("inf"), float("inf")))
    async with Client(access) as client:
        for _ in range(ROUNDS):
            for name, work in ways.items():
                spent = await measure(client, work)
                best[name] = min(best[name][0], spent[0]), min(best[name][1], spent[1])
    return best


def main() -> None:
    server = subprocess.Popen(
        [sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        found = asyncio.run(compare(int(server.stdout.readline())))
    finally:
        server.kill()
        server.wait()
    text = idle_page()
    samples = sum(not line.startswith("#") for line in text.splitlines())
    python = platform.python_version()
    print(f"{platform.system()} {platform.machine()}, {cpu_count()} CPUs, Python {python}")
    print(f"{samples} samples, {len(text) / 1024:.0f} KB, gzipped, plain HTTP over loopback")
    print(f"best of {ROUNDS} times {SCRAPES} scrapes")
    print(f"{'':34}{'time':>9}{'CPU':>12}")
    for name, (wall, cpu) in found.items():
        print(f"{name:34}{wall:6.2f} ms{cpu:9.2f} ms")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        main()
