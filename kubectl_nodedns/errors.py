"""What can go wrong, and the exit code that each kind of trouble ends with.

Owns the exception types that cross rooms and the documented exit codes. Imports nothing, so that
every room may import it. Every error carries a message that names the thing, and a hint that names
the way out.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command, as documented in the README."""

    OK = 0
    """Done, or nothing had to change."""
    FINDING = 1
    """A finding or a difference."""
    USAGE = 2
    """The command line is wrong."""
    API = 3
    """The API server is unreachable, or says no."""
    TIMEOUT = 4
    """Something did not happen in time."""
    REFUSED = 5
    """Refused, because going on would not be safe."""
    PARTIAL = 6
    """Done on some nodes only."""
    REVERTED = 7
    """Failed, and pods' DNS goes the way it went before."""
    UNEXPECTED = 70
    """A fault of the plugin itself; EX_SOFTWARE of sysexits.h."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C or SIGTERM."""


class NodednsError(Exception):
    """An error that a person can act on.

    Args:
        message: what happened, and to what.
        hint: what to do next; may be empty.
    """

    exit: Exit = Exit.FINDING

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(NodednsError):
    """An option or argument has a value that cannot be used."""

    exit = Exit.USAGE


JUDGED = frozenset({400, 403, 413, 422})
"""HTTP statuses that are about what was asked, not about the moment."""


class ApiError(NodednsError):
    """The API server answered with an error.

    Args:
        message: what was asked for, and what the server said.
        hint: the way out; may be empty.
        status: the HTTP status code; 0 when there was no answer at all.
        reason: the `reason` of the Kubernetes Status object, such as "Invalid"; may be empty.
    """

    exit = Exit.API

    def __init__(self, message: str, *, hint: str = "", status: int = 0, reason: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason

    @property
    def judged(self) -> bool:
        """Whether the API server looked at what was asked and does not want it.

        It has not where it is overloaded or broken, where something changed meanwhile, and where
        the credentials or the path are not known: the same request may succeed later.
        """
        return self.status in JUDGED


class UnreachableError(ApiError):
    """No answer from the API server, or no credentials to ask it with."""


UNAUTHORIZED = 401
"""HTTP status of a request whose credentials are not taken, or no longer."""


class ForbiddenError(ApiError):
    """The API server knows the user and says no (401 or 403)."""


class NotFoundError(ApiError):
    """The object does not exist (404, 410)."""


class ConflictError(ApiError):
    """Somebody else changed or owns the object (409)."""


class SilentError(ApiError):
    """The API server passed a request on, to a kubelet or a pod, and nobody answered in time."""


class InvalidError(ApiError):
    """The API server does not accept the object (400, 413, 422)."""


class TimedOutError(NodednsError):
    """Something did not happen in time."""

    exit = Exit.TIMEOUT


class RefusedError(NodednsError):
    """Going on would not be safe, so nothing was done."""

    exit = Exit.REFUSED


class PartialError(NodednsError):
    """Done on some nodes, not on all."""

    exit = Exit.PARTIAL


class RevertedError(NodednsError):
    """Failed; pods' DNS goes the way it went before."""

    exit = Exit.REVERTED
