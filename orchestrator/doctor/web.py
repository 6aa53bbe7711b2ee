"""The web: applications that answer, our own address, what callbacks are signed with, where they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
from requests.cookies import RequestsCookieJar

from orchestrator.callbacks.signature import AccountKeys, Signer, public_key
from orchestrator.callbacks.style import callback_style, keys_of
from orchestrator.conference.machine.state import Caller
from orchestrator.config import Settings
from orchestrator.config.applications import Application
from orchestrator.doctor.result import CheckResult, note, ok, wrong
from orchestrator.documents.document import document_of
from orchestrator.documents.fetch import Fetcher, FetchError, Limits
from orchestrator.documents.request_parameters import standard_fields
from orchestrator.net.addresses import AddressPolicy
from orchestrator.net.connector import Connector
from orchestrator.sids import new_sid
from orchestrator.texml import DocumentError
from orchestrator.web.health import health
from orchestrator.web.server import CannotListen, WebServer

ANSWER_SECONDS = 10.0


def voice_urls(settings: Settings) -> Iterator[CheckResult]:
    """Asked as a call asks, from the number `orchestrator-doctor`; the document is read and not run."""
    network, limits = settings.network, settings.fetch
    policy = AddressPolicy(network.private_addresses == "allow", network.allow, network.deny)
    fetcher = Fetcher(Limits(limits.timeout_secs, limits.max_bytes, limits.max_redirects), Connector(policy))
    try:
        for application in settings.applications.values():
            yield _ask(fetcher, settings, application, application.voice_url, application.voice_method)
            if application.voice_fallback_url is not None:
                url, method = application.voice_fallback_url, application.voice_fallback_method
                yield _ask(fetcher, settings, application, url, method)
    finally:
        fetcher.close()
    if not settings.applications:
        yield wrong("voice URLs", "there is no application", "add one with a voice_url to `applications`")
    elif not settings.numbers and settings.default_application is None:
        remedy = "add `numbers` or a `default_application`"
        yield wrong("voice URLs", "no number leads to an application: every call is refused", remedy)


def _ask(
    fetcher: Fetcher, settings: Settings, application: Application, url: str, method: str
) -> CheckResult:
    check = f"voice URL of {application.name}"
    caller = Caller(
        call_sid=new_sid(),
        leg="",
        connection_id=application.connection_id,
        from_="orchestrator-doctor",
        to="orchestrator-doctor",
        from_sip_uri="",
        to_sip_uri="",
        calling_party_type="sip",
    )
    style = callback_style(settings.dialect(application))
    account = settings.account(application.account)
    signer = Signer(style, keys_of(account) if account is not None else AccountKeys())
    fields = standard_fields(caller, application.account, "ringing", "inbound", (), style)
    try:
        fetched = fetcher.fetch(url, method, fields, RequestsCookieJar(), signer=signer)
        document = document_of(fetched)
    except FetchError as error:
        return wrong(check, str(error), "is the application running, and reachable from this machine?")
    except DocumentError as error:
        return wrong(check, str(error), "it has to answer with a TeXML document")
    if document.warnings:
        first = document.warnings[0]
        return note(check, f"answers; line {first.line} of its document: {first.message}")
    return ok(check, f"answers with {', '.join(type(verb).__name__ for verb in document.verbs) or 'no verb'}")


def signing_keys(settings: Settings) -> Iterator[CheckResult]:
    for account in settings.accounts:
        name, keys = account.name or account.sid, keys_of(account)
        if keys.auth_token is not None:
            yield ok("signing key", f"of {name} for X-Twilio-Signature: its auth_token")
        if keys.ed25519 is not None:
            yield ok("signing key", f"of {name}; applications verify with {public_key(keys.ed25519)}")
        elif keys.auth_token is None:
            remedy = "openssl rand -base64 32 > signing.key, and signing_key: {file: signing.key}"
            yield note("signing key", f"callbacks of {name} are not signed", remedy)


def address(settings: Settings) -> Iterator[CheckResult]:
    """Our own address answers: the orchestrator if it runs, else a server of ours for as long as it takes."""
    web = settings.web
    server = WebServer(web.host, web.port, [health(dict)])
    try:
        server.start()
    except CannotListen as error:
        running = True
        problem = error.fault
    else:
        running, problem = False, ""
    try:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(web.host, web.host)
        local = f"http://[{host}]" if ":" in host else f"http://{host}"
        fault = _unhealthy(f"{local}:{web.port if running else server.port}")
        if fault:
            remedy = "is another program on that port? Then change web.listen; else restart the orchestrator"
            yield wrong("web server", f"{web.listen}: {problem or 'no answer'}; {fault}", remedy)
            return
        by = "the running orchestrator" if running else "it is free for the orchestrator"
        yield ok("web server", f"{web.listen}: {by}")
        if web.public_url is not None:
            fault = _unhealthy(web.base_url)
            if fault:
                remedy = f"what is there has to hand requests on to {web.listen}: RecordingUrl starts with it"
                yield wrong("public_url", f"{web.base_url}: {fault}", remedy)
            else:
                yield ok("public_url", f"{web.base_url} leads here")
    finally:
        if not running:
            server.stop(1.0)


def advice(settings: Settings) -> Iterator[CheckResult]:
    for text in settings.advice():
        yield note("settings", text)


def _unhealthy(base: str) -> str:
    """Why the health page is not there; empty when it is."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{base}/healthz", timeout=ANSWER_SECONDS, allow_redirects=False)
            if answer.status_code == 200 and answer.json() == {"status": "alive"}:
                return ""
            return f"{urlsplit(base).netloc} answers {answer.status_code}, and is not the orchestrator"
    except (requests.RequestException, ValueError) as error:
        return str(error)
