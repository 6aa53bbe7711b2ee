"""The REST API, asked by a person: one try each, and errors with what to do about them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import click
import requests
from requests.auth import AuthBase

from orchestrator.cli.access import URL, Access
from orchestrator.cli.error_messages import explained, missing

SECONDS = 30.0
PAGE = 100
# Twilio's shape of the API has all that Telnyx's has, and the participants' labels.
PREFIX = "/2010-04-01/Accounts"

Resource = dict[str, Any]


class RequestFailed(click.ClickException):
    """The orchestrator said no; the text says why."""

    exit_code = 1


class NoAnswer(click.ClickException):
    """Nothing that an orchestrator would say came back."""

    exit_code = 3


class _Bearer(AuthBase):
    """As an `auth` of requests: a ~/.netrc would replace a header."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Client:
    """Every method raises RequestFailed and NoAnswer."""

    def __init__(self, access: Access, seconds: float = SECONDS) -> None:
        """`seconds`: how long an answer is waited for."""
        self._seconds = seconds
        self._base = access.base
        self._account = access.account
        self._auth = _Bearer(access.key)
        self._clock_ahead = 0.0
        """Seconds by which the orchestrator's clock is ahead of ours, as its last answer has it."""

    def get(self, *path: str, **query: str | None) -> Resource:
        return self._ask("GET", path, query, {})

    def post(self, *path: str, **fields: str | bool | None) -> Resource:
        """None is not sent."""
        return self._ask("POST", path, {}, fields)

    def delete(self, *path: str) -> None:
        self._ask("DELETE", path, {}, {})

    def listed(self, what: str, *path: str, limit: int = 0, **query: str | None) -> Iterator[Resource]:
        """At most `limit` entries, 0: all, page after page."""
        asked: dict[str, str | None] = {**query, "PageSize": str(min(limit or PAGE, PAGE))}
        found = 0
        while True:
            page = self.get(*path, **asked)
            for entry in page[what]:
                yield entry
                found += 1
                if found == limit:
                    return
            if not page.get("next_page_uri"):
                return
            # Of the address only the query: wherever it leads, the key goes nowhere else.
            asked = dict(parse_qsl(urlsplit(page["next_page_uri"]).query))

    def _ask(
        self,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str | None],
        fields: Mapping[str, str | bool | None],
    ) -> Resource:
        where = "/".join(quote(part, safe="") for part in (self._account, *path))
        try:
            answer = requests.request(
                method,
                f"{self._base}{PREFIX}/{where}.json",
                params=query,
                data={name: _written(value) for name, value in fields.items() if value is not None},
                auth=self._auth,
                timeout=self._seconds,
                allow_redirects=False,
            )
        except requests.Timeout:
            raise NoAnswer(f"{self._base} did not answer within {self._seconds:g} s") from None
        except requests.RequestException as error:
            raise NoAnswer(self._unreachable(error)) from None
        with contextlib.suppress(KeyError, ValueError):
            self._clock_ahead = parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()
        return self._read(answer, path)

    def timed(self, resource: Resource) -> Resource:
        """With `lasted`: the seconds that a call or a participation has taken so far, or took."""
        begin, end = _moment(resource.get("date_joined")), _moment(resource.get("date_left"))
        if resource.get("status") == "in-progress":
            begin = _moment(resource["start_time"])
        if begin is not None:
            until = time.time() + self._clock_ahead if end is None else end
            return resource | {"lasted": max(0, round(until - begin))}
        return resource | {"lasted": int(resource["duration"])} if resource.get("end_time") else resource

    def _unreachable(self, error: Exception) -> str:
        # requests wraps twice: the innermost one has the system's words.
        cause: BaseException = error
        while cause.__context__ is not None:
            cause = cause.__context__
        return (
            f"nobody answers at {self._base} ({cause}): is `orchestrator run` running there? "
            f"--url or ${URL} names another address"
        )

    def _read(self, answer: requests.Response, path: tuple[str, ...]) -> Resource:
        if answer.status_code == 204:
            return {}
        try:
            body = answer.json()
        except ValueError:
            body = None
        if answer.ok and isinstance(body, dict):
            return body
        if not isinstance(body, dict) or not isinstance(body.get("errors"), list):
            raise NoAnswer(
                f"{self._base} answered {answer.status_code}, and not as an orchestrator: "
                f"does --url, or ${URL}, lead to one?"
            )
        if answer.status_code == 404:
            raise RequestFailed(missing(path, self._account))
        raise RequestFailed(explained(answer.status_code, body["errors"]))


def _moment(value: object) -> float | None:
    return parsedate_to_datetime(value).timestamp() if isinstance(value, str) and value else None


def _written(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value
