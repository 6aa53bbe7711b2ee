"""Instructions over HTTP: one request with its redirects, bounded in time, hops and size (telnyx-texml section 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import gevent
import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar

REDIRECTS_TO_GET = (301, 302, 303)
REDIRECTS = (*REDIRECTS_TO_GET, 307, 308)
CHUNK_BYTES = 16384


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
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=connections))

    def fetch(
        self,
        url: str,
        method: str,
        fields: Sequence[tuple[str, str]],
        cookies: RequestsCookieJar,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Fetched:
        """Blocks this greenlet only. Raises FetchError for anything but a 2xx within the limits."""
        limits = limits or self.limits
        try:
            with gevent.Timeout(limits.timeout):
                return self._follow(url, method, fields, cookies, headers or {}, limits)
        except gevent.Timeout:
            raise FetchError(url, f"no complete answer within {limits.timeout:g} s") from None
        except (requests.RequestException, OSError, ValueError) as error:
            raise FetchError(url, f"{type(error).__name__}: {error}") from error

    def _follow(
        self,
        url: str,
        method: str,
        fields: Sequence[tuple[str, str]],
        cookies: RequestsCookieJar,
        headers: Mapping[str, str],
        limits: Limits,
    ) -> Fetched:
        body: bytes | None = None
        if method == "GET":
            url = with_query(url, fields)
        else:
            body = urlencode(fields).encode()
        for _hop in range(limits.max_redirects + 1):
            response = self._request(url, method, body, cookies, headers)
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
        headers: Mapping[str, str],
    ) -> requests.Response:
        if urlsplit(url).scheme not in ("http", "https"):
            raise FetchError(url, "not an http or https URL")
        sent = dict(headers)
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        request = self._session.prepare_request(
            requests.Request(method, url, data=body, headers=sent, cookies=cookies)
        )
        response = self._session.send(
            request, stream=True, allow_redirects=False, timeout=self.limits.timeout
        )
        extract_cookies_to_jar(cookies, request, response.raw)  # type: ignore[no-untyped-call]
        return response


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
