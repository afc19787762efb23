"""Domain names, record types and addresses that people give, checked.

Also the one name that two rooms must agree about: the marker, which `install` puts into the
Corefile and `lookup` asks for.
"""

from __future__ import annotations

import ipaddress

import dns.exception
import dns.name
import dns.rdatatype
import dns.reversename

from kubectl_nodedns.errors import UsageError


def marker_name(cluster_domain: str) -> str:
    """Return the marker's domain name, absolute. `cluster_domain` has no final dot."""
    return f"id.nodedns.{cluster_domain}."


def absolute(name: str, *, option: str = "name") -> str:
    """Check a domain name and return it absolute, in lower case, with a final dot.

    Args:
        name: the name, with or without its final dot; Unicode labels become A-labels (IDNA 2008).
        option: what to call it in an error.

    Returns:
        The name in presentation format (RFC 4343 escapes), so it never holds white space.

    Raises:
        UsageError: it is no domain name that can be asked for.
    """
    try:
        parsed = dns.name.from_text(name.strip(), idna_codec=dns.name.IDNA_2008_Practical)
    except (dns.exception.DNSException, UnicodeError, ValueError) as error:
        raise UsageError(
            f"{option}: {name!r} is not a domain name ({error})",
            hint="labels of 1 to 63 octets with dots between, 255 octets in all",
        ) from error
    if parsed == dns.name.root:
        raise UsageError(
            f"{option}: {name!r} is not a domain name to ask for", hint="such as example.com"
        )
    return parsed.canonicalize().to_text()


def record_type(text: str) -> str:
    """Check a record type such as "aaaa" and return it in upper case.

    Raises:
        UsageError: it is none.
    """
    try:
        return dns.rdatatype.to_text(dns.rdatatype.from_text(text))
    except (dns.exception.DNSException, ValueError) as error:
        raise UsageError(
            f"{text!r} is not a record type", hint="such as A, AAAA, SRV, TXT, PTR"
        ) from error


def address(text: str, *, option: str) -> str:
    """Check an IP address and return it in its canonical form.

    Raises:
        UsageError: it is none.
    """
    try:
        parsed = ipaddress.ip_address(text.strip())
    except ValueError as error:
        raise UsageError(
            f"{option}: {text!r} is not an IP address", hint="such as 169.254.20.10"
        ) from error
    if getattr(parsed, "scope_id", None):
        raise UsageError(f"{option}: {text!r} has a zone, which means nothing on another machine")
    return str(parsed)


def reverse(ip: str) -> str:
    """Return the name whose PTR record names `ip` (in-addr.arpa or ip6.arpa)."""
    return dns.reversename.from_address(ip).to_text()
