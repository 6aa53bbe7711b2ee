"""Instructions over HTTP: one request with its redirects, bounded in time, hops and size (telnyx-texml 4)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from http.client import RemoteDisconnected
from http.cookiejar import DefaultCookiePolicy
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import gevent
import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from urllib3.exceptions import ProtocolError

from orchestrator.callbacks.signature import SigningKey, sign

REDIRECTS_TO_GET = (301, 302, 303)
REDIRECTS = (*REDIRECTS_TO_GET, 307, 308)
CHUNK_BYTES = 16384
FORM = "application/x-www-form-urlencoded"


class FetchError(Exception):
    """No usable answer; the text names the URL and what was wrong with it."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"{url}: {problem}")
        self.url = url
        self.problem = problem


class Fetched(NamedTuple):
    url: str
    """Where it finally came from: what relative URLs in it are relative to."""
    content_type: str
    body: bytes


class Limits(NamedTuple):
    timeout: float = 15.0
    """Seconds for everything: connecting, redirects, the last byte."""
    max_bytes: int = 1 << 20
    max_redirects: int = 3


class Fetcher:
    """Shares connections between calls, and nothing else: each call brings its own cookies."""

    def __init__(self, limits: Limits, connections: int = 100) -> None:
        self.limits = limits
        self._session = requests.Session()
        # Neither proxies nor passwords of this machine's environment are an application's business.
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            adapter = requests.adapters.HTTPAdapter(pool_connections=connections, pool_maxsize=connections)
            self._session.mount(scheme, adapter)

    def close(self) -> None:
        self._session.close()

    def fetch(
        self,
        url: str,
        method: str,
        fields: Sequence[tuple[str, str]],
        cookies: RequestsCookieJar,
        limits: Limits | None = None,
        key: SigningKey | None = None,
    ) -> Fetched:
        """Blocks this greenlet only. Raises FetchError for anything but a 2xx within the limits.

        With a `key` each request is signed as callbacks are (telnyx-texml 2.6).
        """
        limits = limits or self.limits
        over = gevent.Timeout(limits.timeout)
        try:
            with over:
                return self._follow(url, method, fields, cookies, limits, key)
        except gevent.Timeout as timeout:
            if timeout is not over:
                raise
            raise FetchError(url, f"no complete answer within {limits.timeout:g} s") from None
        except (requests.RequestException, OSError, ValueError) as error:
            raise FetchError(url, f"{type(error).__name__}: {error}") from error

    def _follow(
        self,
        url: str,
        method: str,
        fields: Sequence[tuple[str, str]],
        cookies: RequestsCookieJar,
        limits: Limits,
        key: SigningKey | None,
    ) -> Fetched:
        body: bytes | None = None
        if method == "GET":
            url = with_query(url, fields)
        else:
            body = urlencode(fields).encode()
        for _hop in range(limits.max_redirects + 1):
            response = self._request(url, method, body, cookies, limits, key)
            with response:
                if response.status_code not in REDIRECTS or "Location" not in response.headers:
                    return _answer(url, response, limits.max_bytes)
                url = urljoin(url, response.headers["Location"])
            if response.status_code in REDIRECTS_TO_GET:
                method, body = "GET", None
        raise FetchError(url, f"more than {limits.max_redirects} redirects")

    def _request(
        self,
        url: str,
        method: str,
        body: bytes | None,
        cookies: RequestsCookieJar,
        limits: Limits,
        key: SigningKey | None,
    ) -> requests.Response:
        if urlsplit(url).scheme not in ("http", "https"):
            raise FetchError(url, "not an http or https URL")
        headers = {"Content-Type": FORM} if body is not None else {}
        if key is not None:
            headers |= sign(key, body or b"", int(time.time()))
        request = self._session.prepare_request(
            requests.Request(method, url, data=body, headers=headers, cookies=cookies)
        )
        try:
            response = self._send(request, limits)
        except requests.ConnectionError as error:
            if not _closed_meanwhile(error):
                raise
            response = self._send(request, limits)
        extract_cookies_to_jar(cookies, request, response.raw)  # type: ignore[no-untyped-call]
        return response

    def _send(self, request: requests.PreparedRequest, limits: Limits) -> requests.Response:
        return self._session.send(request, stream=True, allow_redirects=False, timeout=limits.timeout)


def _closed_meanwhile(error: requests.ConnectionError) -> bool:
    """The server let go of a connection kept alive just as we took it up again: nobody saw the request."""
    cause = error.args[0] if error.args else None
    if not isinstance(cause, ProtocolError) or len(cause.args) < 2:
        return False
    return isinstance(cause.args[1], RemoteDisconnected | ConnectionResetError | BrokenPipeError)


def with_query(url: str, fields: Sequence[tuple[str, str]]) -> str:
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *fields])
    return urlunsplit(parts._replace(query=query))


def _answer(url: str, response: requests.Response, max_bytes: int) -> Fetched:
    if not 200 <= response.status_code < 300:
        raise FetchError(url, f"answered {response.status_code} {response.reason}")
    body = bytearray()
    for chunk in response.iter_content(CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise FetchError(url, f"more than {max_bytes} bytes")
    return Fetched(url, response.headers.get("Content-Type", ""), bytes(body))
