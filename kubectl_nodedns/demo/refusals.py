"""What the emulated API server says no with."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure of ours
    """An answer that is a Status object with a failure.

    Args:
        code: the HTTP status code.
        reason: the `reason` of the Status, such as "NotFound".
        message: what happened, in the words of the real server.
        details: the `details` of the Status.
    """

    def __init__(
        self, code: int, reason: str, message: str, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details

    def status(self) -> dict[str, Any]:
        """Return the Status object."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            "code": self.code,
        }
        if self.details is not None:
            status["details"] = self.details
        return status


def not_found(plural: str, group: str, name: str) -> Refusal:
    """Refuse because there is no such object."""
    resource = f"{plural}.{group}" if group else plural
    details = {"name": name, "kind": plural} | ({"group": group} if group else {})
    return Refusal(404, "NotFound", f'{resource} "{name}" not found', details)


def expired(version: int, oldest: int) -> Refusal:
    """Refuse because a resource version is too old to go on from."""
    return Refusal(410, "Expired", f"too old resource version: {version} ({oldest})")
