"""Numbers and addresses in text from outside: what is none, or out of all proportion, is not one.

Labels, annotations, arguments and headers hold whatever somebody wrote. `str.isdigit` holds for
"²", and `int` refuses that, as it refuses more than 4,300 digits; a float may be infinite. An
address may bear a zone, which means something on one machine alone.
Imports the standard library only, so that every room may import it.
"""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LARGEST_PORT = 65535
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


def whole(text: object, *, most: int, least: int = 0) -> int | None:
    """Read a decimal number in ASCII digits, without a sign.

    Returns:
        None for anything else, and for a number that is not between `least` and `most`.
    """
    if not isinstance(text, str) or not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if least <= number <= most else None


def port(text: object) -> int | None:
    """Read the number of a port, 1 to 65535; None for anything else."""
    return whole(text, least=1, most=LARGEST_PORT)


def address(text: object) -> Address | None:
    """Read an IP address without a zone; None for anything else."""
    try:
        return ipaddress.ip_address(text) if isinstance(text, str) and "%" not in text else None
    except ValueError:
        return None


def network(text: object) -> Network | None:
    """Read a range in CIDR notation, host bits or not; None for anything else."""
    if not isinstance(text, str) or "%" in text:
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
