"""The one shape of every answer: in, data or an error; out, `{"data", "error", "meta"}`."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from django.http import JsonResponse
from django.utils import timezone
from ninja import Schema
from pydantic import Field

Data = TypeVar("Data")


class Meta(Schema):
    """What belongs to the answer and not to the data."""

    at: dt.datetime = Field(default_factory=timezone.now, description="The server's clock")
    next_cursor: str | None = Field(
        default=None, description="Of a list: ask again with `cursor` set to this for older rows"
    )


class Problem(Schema):
    """What went wrong: `code` is stable, `message` is for people, `fields` names what to correct."""

    code: str
    message: str
    fields: dict[str, str] = {}


class Answer(Schema, Generic[Data]):
    data: Data
    error: None = None
    meta: Meta


class Refusal(Schema):
    data: None = None
    error: Problem
    meta: Meta


class ApiError(Exception):
    """A refusal, raised anywhere below a view."""

    def __init__(self, status: int, code: str, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, dict(fields or {})


def answer(data: Any, *, next_cursor: str | None = None) -> dict[str, Any]:
    """The body of a success; the operation's response model gives it its shape."""
    return {"data": data, "meta": Meta(next_cursor=next_cursor)}


def refuse(error: ApiError) -> JsonResponse:
    """The response of a refusal. A 401 says how to sign in (RFC 9110, 11.6.1)."""
    problem = Problem(code=error.code, message=error.message, fields=error.fields)
    response = JsonResponse(Refusal(error=problem, meta=Meta()).model_dump(mode="json"), status=error.status)
    if error.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def refusals(*statuses: int) -> dict[int, type[Refusal]]:
    """The refusals that an operation declares, beside those that any operation may give."""
    return dict.fromkeys((400, 401, 403, 429, *statuses), Refusal)
