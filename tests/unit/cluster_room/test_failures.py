from __future__ import annotations

import json

import pytest

from kubectl_nodedns.cluster.failures import failure
from kubectl_nodedns.errors import (
    ApiError,
    ConflictError,
    Exit,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)

PATH = "/api/v1/namespaces/kube-system/services"


def status(code: int, reason: str, message: str) -> bytes:
    document = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, InvalidError),
        (401, ForbiddenError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, NotFoundError),
        (413, InvalidError),
        (422, InvalidError),
        (429, ApiError),
        (500, ApiError),
        (503, ApiError),
    ],
)
def test_each_status_becomes_its_own_error_with_the_same_exit_code(
    code: int, kind: type[ApiError]
) -> None:
    error = failure("GET", PATH, code, status(code, "Some", "it said this"))
    assert type(error) is kind
    assert error.status == code
    assert error.reason == "Some"
    assert error.exit is Exit.API
    assert str(error) == f"GET {PATH}: it said this"


def test_a_message_that_names_verb_and_resource_by_itself_stands_alone() -> None:
    message = 'services is forbidden: User "jane" cannot list resource "services"'
    error = failure("GET", PATH, 403, status(403, "Forbidden", message))
    assert str(error) == message


@pytest.mark.parametrize("reason", ["Forbidden", "NotFound", "Unauthorized"])
def test_an_error_is_never_without_words(reason: str) -> None:
    error = failure("GET", PATH, 403, status(403, reason, ""))
    assert str(error) == f"GET {PATH}: HTTP 403"


@pytest.mark.parametrize("code", [401, 403, 429])
def test_where_there_is_a_way_out_the_error_names_it(code: int) -> None:
    assert failure("GET", PATH, code, b"").hint


def test_an_answer_without_a_body_shows_its_status() -> None:
    assert str(failure("GET", PATH, 502, b"")) == f"GET {PATH}: HTTP 502"


def test_an_answer_that_is_no_status_object_is_shown_as_it_came_and_cut() -> None:
    error = failure("GET", PATH, 502, b"<html>Bad gateway</html>" + b"x" * 10_000)
    assert "<html>Bad gateway</html>" in str(error)
    assert len(str(error)) < 700


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"7", b"\xff\xfe", b'{"message": 7}'])
def test_json_of_another_shape_breaks_nothing(body: bytes) -> None:
    assert failure("GET", PATH, 500, body).status == 500
