"""Instructions over HTTP: one request with its redirects, bounded in time, hops and size."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from http.cookiejar import Cookie
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import gevent
from requests.cookies import MockRequest, MockResponse, RequestsCookieJar, get_cookie_header

from orchestrator.callbacks.signature import UNSIGNED, Signer
from orchestrator.documents.body import BadBody, read_body
from orchestrator.documents.counters import FetchCounters, FetchOutcome
from orchestrator.esl.commands import one_line
from orchestrator.net.connector import Connector
from orchestrator.net.errors import NetError, reason
from orchestrator.net.form import form_encoded
from orchestrator.net.http import HttpClient
from orchestrator.net.http_messages import Request, Response, StaleConnection
from orchestrator.net.logged_url import SHOWN, shown
from orchestrator.net.urls import location, target, with_fields
from orchestrator.texml.template import is_template

REDIRECTS_TO_GET = (301, 302, 303)
REDIRECTS = (*REDIRECTS_TO_GET, 307, 308)
FORM = "application/x-www-form-urlencoded"
# Telnyx takes 2000 (error 10003); most servers take 8000.
MAX_URL = 8192
_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search
# Of one call, however many documents it runs. Browsers keep 4 KB a cookie, servers take some 8 KB a header.
MAX_COOKIE_BYTES = 8192
MAX_COOKIES = 50
WRONG_METHOD = 405


class FetchError(Exception):
    """No usable answer; the text names the URL and what was wrong with it."""

    def __init__(
        self, url: str, problem: str, outcome: FetchOutcome = "transport", status: int | None = None
    ) -> None:
        self.url = shown(url)
        self.problem = problem
        self.outcome = outcome
        self.status = status
        """Of an answer that is none of 2xx."""
        super().__init__(f"{self.url}: {problem}")

    def with_hint(self, attribute: str) -> FetchError:
        """The same; where the method was wrong, with the attribute or setting that says it."""
        if self.status != WRONG_METHOD:
            return self
        problem = f"{self.problem}; {attribute} says how it is requested"
        return FetchError(self.url, problem, self.outcome, self.status)


class Fetched(NamedTuple):
    url: str
    """Where it finally came from: what relative URLs in it are relative to."""
    content_type: str
    body: bytes
    """Only its start where there is a file."""
    file: BinaryIO | None = None
    status: int = 200
    asked: tuple[tuple[str, str], ...] | None = None
    """The requested URL, its own query and our fields, where the answer may be a template."""

    @property
    def content(self) -> bytes | BinaryIO:
        """All of it."""
        return self.body if self.file is None else self.file

    @property
    def size(self) -> int:
        return len(self.body) if self.file is None else self.file.seek(0, 2)


class Limits(NamedTuple):
    timeout: float = 15.0
    """Seconds for everything: connecting, redirects, the last byte."""
    max_bytes: int = 1 << 20
    max_redirects: int = 3


class _Options(NamedTuple):
    """Of one request and those that its redirects lead to."""

    cookies: RequestsCookieJar
    limits: Limits
    signer: Signer


class Fetcher:
    """Shares connections between calls, and nothing else: each call brings its own cookies.

    Neither proxies nor passwords of this machine's environment are an application's business.
    """

    def __init__(
        self,
        limits: Limits,
        connector: Connector | None = None,
        connections: int = 100,
        verify: bool | str = True,
        directory: Path | None = None,
    ) -> None:
        """Long bodies are kept in files in `directory`, with no name that anybody could find them by."""
        self.limits = limits
        self._client = HttpClient(connector or Connector(), places=connections, per_place=connections)
        self.counters = FetchCounters()
        self._verify = verify
        self._directory = directory

    def close(self) -> None:
        self._client.close()

    def fetch(
        self,
        url: str,
        method: str,
        fields: Sequence[tuple[str, str]],
        cookies: RequestsCookieJar,
        limits: Limits | None = None,
        signer: Signer = UNSIGNED,
    ) -> Fetched:
        """Blocks this greenlet only. Raises FetchError for anything but a 2xx within the limits.

        Each request, also after a redirect, is signed as callbacks are.
        """
        begun = time.monotonic()
        outcome: FetchOutcome = "abandoned"
        try:
            fetched = self._in_time(url, method, fields, _Options(cookies, limits or self.limits, signer))
            outcome = "ok"
            return fetched
        except FetchError as error:
            outcome = error.outcome
            raise
        finally:
            self.counters.count(outcome, time.monotonic() - begun)

    def _in_time(
        self, url: str, method: str, fields: Sequence[tuple[str, str]], options: _Options
    ) -> Fetched:
        over = gevent.Timeout(options.limits.timeout)
        try:
            with over:
                return self._follow(url, method, fields, options)
        except gevent.Timeout as timeout:
            if timeout is not over:
                raise
            raise FetchError(url, f"no complete answer within {over.seconds:g} s", "timeout") from None
        except (NetError, OSError, ValueError) as error:
            raise FetchError(url, reason(error)) from error

    def _follow(self, url: str, method: str, fields: Sequence[tuple[str, str]], options: _Options) -> Fetched:
        form, body = form_encoded(fields), None
        check_url(url)
        # Relative URLs in the answer start at its final URL, not at the requested one with our fields.
        asked = url
        if method == "GET":
            asked = with_fields(url, form)
        else:
            body = form.encode()
        for _hop in range(options.limits.max_redirects + 1):
            with self._request(asked, method, body, options) as response:
                if response.status not in REDIRECTS or "Location" not in response.headers:
                    fetched = self._answer(url, response, options.limits.max_bytes)
                    if is_template(fetched.body):
                        own = parse_qsl(urlsplit(url).query, keep_blank_values=True, errors="replace")
                        return fetched._replace(asked=(*own, *fields))
                    return fetched
                asked = url = location(asked, response.headers.get("Location"))
                check_url(url)
            if response.status in REDIRECTS_TO_GET:
                method, body = "GET", None
        raise FetchError(url, f"more than {options.limits.max_redirects} redirects", "url")

    def _request(self, url: str, method: str, body: bytes | None, options: _Options) -> Response:
        # Compression is not requested, so nothing is decompressed; an answer that is compressed all the same
        # is an error.
        to = target(url)
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", **to.headers}
        if body is not None:
            headers["Content-Type"] = FORM
        if cookie := _cookie(options.cookies, to.url):
            headers["Cookie"] = cookie
        # Signed as it is on the wire.
        headers |= options.signer.headers(to.url, body, int(time.time()))
        request = Request(method, to.origin, to.target, headers, body)
        try:
            response = self._send(request, options.limits)
        except StaleConnection:
            # Nobody saw the request, and what else is kept is no fresher.
            self._client.close()
            response = self._send(request, options.limits)
        if "Set-Cookie" in response.headers:
            given: Any = MockResponse(response.headers)
            options.cookies.extract_cookies(given, _cookie_request(to.url))
            _bound(options.cookies)
        return response

    def _send(self, request: Request, limits: Limits) -> Response:
        return self._client.send(request, limits.timeout, self._verify)

    def _answer(self, url: str, response: Response, max_bytes: int) -> Fetched:
        if not 200 <= response.status < 300:
            raise FetchError(url, _refusal(response), "status", response.status)
        try:
            body = read_body(response, max_bytes, self._directory)
        except BadBody as error:
            raise FetchError(url, str(error), "body") from error
        kind = response.headers.get("Content-Type")
        return Fetched(url, kind, body.start, body.file, response.status)


def _cookie(cookies: RequestsCookieJar, url: str) -> str:
    """The header of those that go there; empty if none."""
    if not len(cookies):
        return ""
    return get_cookie_header(cookies, SimpleNamespace(url=url, headers={})) or ""  # type: ignore[no-untyped-call]


def _cookie_request(url: str) -> Any:
    return MockRequest(SimpleNamespace(url=url, headers={}))


def _refusal(response: Response) -> str:
    problem = f"answered {response.status} {response.reason[:SHOWN]}".rstrip()
    if response.status == WRONG_METHOD:
        allowed = one_line(response.headers.get("Allow"))[:SHOWN]
        problem += f" to {response.request.method}" + (f" (it allows {allowed})" if allowed else "")
    return problem


def check_url(url: str) -> None:
    """Raises FetchError for what is no address on the web, or one that nobody means."""
    if len(url) > MAX_URL:
        raise FetchError(url, f"a URL of {len(url)} characters, {MAX_URL} are the most", "url")
    if _CONTROL(url):
        raise FetchError(url, "a URL with a control character", "url")
    if urlsplit(url).scheme not in ("http", "https"):
        raise FetchError(url, "not an http or https URL", "url")


def _bound(cookies: RequestsCookieJar) -> None:
    """The first ones stay: a call's application sets its own before whatever somebody makes it add."""
    size = 0
    # As they came: iterating over the jar itself sorts them by name in Python 3.10.
    sites = cookies._cookies.values()  # type: ignore[attr-defined]
    kept: list[Cookie] = [cookie for paths in sites for path in paths.values() for cookie in path.values()]
    for number, cookie in enumerate(kept):
        size += len(cookie.name) + len(cookie.value or "") + len(cookie.path) + len(cookie.domain)
        if size > MAX_COOKIE_BYTES or number >= MAX_COOKIES:
            cookies.clear(cookie.domain, cookie.path, cookie.name)
