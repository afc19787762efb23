from __future__ import annotations

from kubectl_nodedns.demo.logs import stamped


def test_timestamps_stand_before_each_line_as_the_api_server_puts_them() -> None:
    lines = ["2026/11/25 09:23:17 [INFO] Added iptables rules", ".:53 on 10.96.0.10"]
    assert stamped(lines) == [
        "2026-11-25T09:23:17.000000000Z 2026/11/25 09:23:17 [INFO] Added iptables rules",
        "2026-11-25T09:23:17.000000000Z .:53 on 10.96.0.10",
    ]
