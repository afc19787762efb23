"""Text from outside, made harmless for a terminal. Pure."""

from __future__ import annotations


def printable(text: str, *, keep: str = "") -> str:
    r"""Return `text` with every character that is not printable as its octets, \\DDD each.

    That is the escape of master files (RFC 1035, section 5.1), which dig uses too. Escape
    sequences, line ends and characters that turn the direction of writing are among them.

    Args:
        text: the text.
        keep: characters to leave as they are although they are not printable.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _octets(c) for c in text)


def _octets(character: str) -> str:
    return "".join(f"\\{octet:03}" for octet in character.encode(errors="replace"))
