"""The check sits where the socket is made: nothing that a name or a server says gets around it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import gevent
import pytest
from requests.cookies import RequestsCookieJar

from orchestrator.callbacks.delivery import Delivery
from orchestrator.callbacks.retry import DeliverySettings
from orchestrator.documents.fetch import Fetched, Fetcher, FetchError, Limits
from orchestrator.net.addresses import AddressPolicy
from orchestrator.net.connector import ONE_OF_SEVERAL_SECONDS, Connector
from orchestrator.net.errors import AddressRefused
from orchestrator.net.http import HttpClient
from orchestrator.net.http_messages import Request
from orchestrator.net.name_lookup import Found, Names
from orchestrator.store.message import Message
from orchestrator.store.outbox import Outbox
from tests.callbacks.conftest import QUICK, results_into, wait_until
from tests.net.villain import Villain, answer, says

CLOSED = AddressPolicy(private=False)
OK = says(answer(b"<Response/>"))


def resolved(**names: list[str]) -> Names:
    """Name servers that answer so; dots are written as underscores."""

    def ask(name: bytes) -> Found | str:
        found = names.get(name.decode().replace(".", "_"))
        if found is None:
            return "Name or service not known"
        return [
            (int(socket.AF_INET6), (each, 0, 0, 0)) if ":" in each else (int(socket.AF_INET), (each, 0))
            for each in found
        ]

    return Names(ask)


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as probe, contextlib.suppress(OSError):
        probe.bind(("::1", 0))
        return True
    return False


@pytest.fixture
def villain() -> Iterator[Callable[..., Villain]]:
    made: list[Villain] = []

    def make(*args: object, **kwargs: object) -> Villain:
        made.append(Villain(*args, **kwargs))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.stop()


def fetch(url: str, connector: Connector, timeout: float = 5.0) -> Fetched:
    fetcher = Fetcher(Limits(timeout), connector)
    try:
        return fetcher.fetch(url, "POST", (("From", "1"),), RequestsCookieJar())
    finally:
        fetcher.close()


def problem(url: str, connector: Connector, timeout: float = 5.0) -> str:
    with pytest.raises(FetchError) as found:
        fetch(url, connector, timeout)
    return found.value.problem


def test_one_s_own_application_is_asked(villain: Callable[..., Villain]) -> None:
    server = villain(OK)
    assert fetch(server.url(), Connector()).body == b"<Response/>"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "0177.1", "[::ffff:127.0.0.1]", "127.1"]
)
def test_no_spelling_of_a_private_address_gets_around_its_refusal(
    villain: Callable[..., Villain], host: str
) -> None:
    server = villain(OK)
    said = problem(server.url(host=host), Connector(CLOSED))
    assert f"{host.strip('[]')} is not dialled: " in said
    assert "network.private_addresses" in said
    assert not server.connections


def test_zero_is_no_other_name_for_this_machine(villain: Callable[..., Villain]) -> None:
    """Linux connects 0.0.0.0 to itself."""
    server = villain(OK)
    for host in ("0.0.0.0", "0", "[::]"):
        assert "an unspecified address, which no setting allows" in problem(
            server.url(host=host), Connector()
        )
    assert not server.connections


def test_a_name_that_leads_to_the_metadata_service_is_not_dialled() -> None:
    connector = Connector(names=resolved(app_test=["169.254.169.254"]))
    assert problem("http://app.test/latest/meta-data/", connector) == (
        "app.test is not dialled: 169.254.169.254 is a cloud's metadata service, which no setting allows"
    )


@pytest.mark.parametrize("order", [["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
def test_of_several_addresses_the_refused_ones_are_skipped(
    villain: Callable[..., Villain], order: list[str]
) -> None:
    # Nobody listens at the first addresses; at a refused one somebody does, on the same port.
    server = villain(OK)
    refused = villain(OK, host="127.0.0.2", port=server.port)
    policy = AddressPolicy(private=False, allow=(ip_network("127.0.0.1"),))
    names = resolved(app_test=["169.254.169.254", "10.0.0.1", "::1", *order])
    assert fetch(server.url(host="app.test"), Connector(policy, names)).body == b"<Response/>"
    assert b"Host: app.test" in server.heads[0]
    assert not refused.connections


def test_an_address_where_nobody_listens_is_followed_by_the_next(villain: Callable[..., Villain]) -> None:
    server = villain(OK, host="127.0.0.2")
    names = resolved(app_test=["127.0.0.1", "127.0.0.2"])
    assert fetch(server.url(host="app.test"), Connector(names=names)).body == b"<Response/>"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_address_of_ipv6_is_dialled(villain: Callable[..., Villain]) -> None:
    server = villain(OK, host="::1")
    assert fetch(server.url(host="[::1]"), Connector()).body == b"<Response/>"
    assert fetch(server.url(host="app.test"), Connector(names=resolved(app_test=["::1"]))).status == 200
    assert f"Host: [::1]:{server.port}".encode() in server.heads[0]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port of 127.0.0.2 that answers nobody: its queue is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.2", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for each in waiting:
            each.close()


def test_an_address_that_does_not_answer_is_followed_by_the_next(
    villain: Callable[..., Villain], silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.net.connector.ONE_OF_SEVERAL_SECONDS", 0.3)
    server = villain(OK, port=silent)
    names = resolved(app_test=["127.0.0.2", "127.0.0.1"])
    began = time.monotonic()
    assert fetch(server.url(host="app.test"), Connector(names=names), 8.0).body == b"<Response/>"
    assert time.monotonic() - began < 4


def test_a_connection_that_is_not_made_leaves_no_socket() -> None:
    """Its error may be kept for long, with all that it happened in."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="refused") as refused:
        Connector(names=resolved(app_test=["127.0.0.1", "127.0.0.2"])).dial("app.test", 1, 1.0)
    # Somebody else's may have been closed meanwhile.
    assert len(os.listdir("/proc/self/fd")) <= before
    assert refused.value.__traceback__ is not None


def test_two_silent_addresses_leave_time_for_a_third_within_an_attempt_at_a_callback() -> None:
    """And none is abandoned before its lost packet was sent again, after a second (RFC 6298)."""
    assert 1.0 < ONE_OF_SEVERAL_SECONDS < DeliverySettings().timeout / 2


def test_no_address_has_more_time_than_the_limit(silent: int) -> None:
    began = time.monotonic()
    with pytest.raises(OSError, match="timed out"):
        Connector(names=resolved(app_test=["127.0.0.2"] * 3)).dial("app.test", silent, 0.1)
    assert 0.25 < time.monotonic() - began < 4


@pytest.mark.parametrize("place", [1, 7, 8, 9])
def test_eight_addresses_of_a_name_are_tried_at_most(villain: Callable[..., Villain], place: int) -> None:
    server = villain(OK)
    addresses = [f"127.0.0.{number + 100}" for number in range(place - 1)] + ["127.0.0.1"]
    connector = Connector(names=resolved(app_test=addresses))
    if place <= 8:
        assert fetch(server.url(host="app.test"), connector).body == b"<Response/>"
    else:
        assert "refused" in problem(server.url(host="app.test"), connector)
        assert not server.connections


def test_eight_refusals_are_named_at_most() -> None:
    addresses = [f"169.254.0.{number}" for number in range(1, 10)]
    with pytest.raises(AddressRefused) as refused:
        Connector(names=resolved(app_test=addresses)).dial("app.test", 80, 1.0)
    assert [f"{address} is" in str(refused.value) for address in addresses] == [True] * 8 + [False]


def test_the_last_address_has_the_whole_time_limit(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.net.connector.ONE_OF_SEVERAL_SECONDS", 0.1)
    for addresses in (["127.0.0.2"], ["127.0.0.2", "127.0.0.2"]):
        began = time.monotonic()
        with pytest.raises(OSError, match="timed out"):
            Connector(names=resolved(app_test=addresses)).dial("app.test", silent, 0.8)
        assert 0.75 < time.monotonic() - began < 3


def test_a_kept_connection_that_its_server_has_closed_is_not_used(villain: Callable[..., Villain]) -> None:
    """So that a request that may not be repeated need not be."""
    server = villain(OK)
    client = HttpClient(Connector(), 1, 1)
    for count in (1, 2, 3):
        assert client.send(Request("POST", server.url("").rstrip("/"), "/", {})).read(100) == b"<Response/>"
        assert server.connections == count
        gevent.sleep(0.1)
    client.close()


def test_a_kept_connection_is_used_again(villain: Callable[..., Villain]) -> None:
    server = villain(OK, keeps=True)
    client = HttpClient(Connector(), 1, 1)
    for _ in range(3):
        assert client.send(Request("POST", server.url("").rstrip("/"), "/", {})).read(100)
    assert server.connections == 1
    client.close()


def test_a_second_answer_of_the_name_server_changes_nothing(villain: Callable[..., Villain]) -> None:
    """The name is looked up once for each connection, and what was checked is what is dialled."""
    server = villain(OK)
    asked = []

    def ask(name: bytes) -> Found | str:
        asked.append(name)
        return [(int(socket.AF_INET), ("127.0.0.1" if len(asked) == 1 else "169.254.169.254", 0))]

    connector = Connector(names=Names(ask))
    assert fetch(server.url(host="app.test"), connector).body == b"<Response/>"
    assert len(asked) == 1
    assert "metadata" in problem(server.url(host="app.test"), connector)


def test_a_kept_connection_is_one_to_a_checked_address(villain: Callable[..., Villain]) -> None:
    """A name that once led to a place that may be dialled leads no second name there."""
    server = villain(OK, keeps=True)
    policy = AddressPolicy(private=False, allow=(ip_network("127.0.0.1"),))
    names = resolved(good_test=["127.0.0.1"], bad_test=["127.0.0.2"])
    fetcher = Fetcher(Limits(5), Connector(policy, names))
    for _ in range(3):
        fetcher.fetch(server.url(host="good.test"), "GET", (), RequestsCookieJar())
    with pytest.raises(FetchError, match=r"127\.0\.0\.2 is a private address"):
        fetcher.fetch(server.url(host="bad.test"), "GET", (), RequestsCookieJar())
    fetcher.close()
    assert server.connections == 1


@pytest.mark.parametrize("hops", [1, 2])
def test_every_hop_of_a_redirect_is_checked(villain: Callable[..., Villain], hops: int) -> None:
    inner = villain(OK, host="127.0.0.2")
    target = f"http://127.0.0.2:{inner.port}/"
    for _ in range(hops):
        target = villain(says(answer(b"", f"Location: {target}", status="302 Found"))).url()
    policy = AddressPolicy(deny=(ip_network("127.0.0.2"),))
    assert "127.0.0.2 is in 127.0.0.2/32 of network.deny" in problem(target, Connector(policy))
    assert not inner.connections
    assert fetch(target, Connector()).body == b"<Response/>"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}@169.254.169.254/",
        "http://169.254.169.254\\@127.0.0.1:{port}/",
        "http://169.254.169.254#@127.0.0.1:{port}/",
        "http://169.254.169.254?@127.0.0.1:{port}/",
    ],
)
def test_a_url_that_two_parsers_read_differently_leads_to_no_forbidden_place(
    villain: Callable[..., Villain], url: str
) -> None:
    server = villain(OK)
    policy = AddressPolicy(deny=(ip_network("127.0.0.0/8"),))
    assert problem(url.format(port=server.port), Connector(policy))
    assert not server.connections


def test_a_callback_is_not_sent_to_a_refused_address(villain: Callable[..., Villain], tmp_path: Path) -> None:
    server = villain(says(answer()), keeps=True)
    results: list[tuple[int | None, int, str]] = []
    outbox = Outbox(tmp_path / "outbox.sqlite")
    connector = Connector(CLOSED, resolved(good_test=["127.0.0.1"], evil_test=["169.254.169.254"]))
    delivery = Delivery(
        outbox,
        lambda _: None,
        QUICK,
        connector=connector,
    )
    delivery.on_attempt.append(results_into(results))
    delivery.start()
    for queue, host in enumerate(("good.test", "evil.test")):
        url = server.url("/callbacks", host)
        outbox.commit([Message(str(queue), url, "POST", (), "account", "join", 0, 0)])
        delivery.wake(str(queue))
    wait_until(lambda: len(results) == 2, "two results")
    delivery.stop()
    outbox.close()
    (private,) = [error for _, _, error in results if "good.test" in error]
    (metadata,) = [error for _, _, error in results if "evil.test" in error]
    assert "127.0.0.1 is a private address, which network.private_addresses refuses" in private
    assert "169.254.169.254 is a cloud's metadata service" in metadata
    assert [attempts for _, attempts, _ in results] == [1, 1]
    assert not server.connections


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    where = tmp_path_factory.mktemp("tls")
    cert, key = where / "cert.pem", where / "key.pem"
    subject = ["-subj", "/CN=app.test", "-addext", "subjectAltName=DNS:app.test"]
    files = ["-keyout", str(key), "-out", str(cert)]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def test_tls_asks_for_the_name_and_verifies_it_although_an_address_is_dialled(
    villain: Callable[..., Villain], certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    asked: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    server = villain(OK, tls=tls)
    connector = Connector(names=resolved(app_test=["127.0.0.1"], other_test=["127.0.0.1"]))
    fetcher = Fetcher(Limits(5), connector, verify=str(cert))
    assert fetcher.fetch(server.url(host="app.test"), "GET", (), RequestsCookieJar()).body == b"<Response/>"
    assert asked == ["app.test"]
    with pytest.raises(FetchError, match=r"not valid for 'other\.test'"):
        fetcher.fetch(server.url(host="other.test"), "GET", (), RequestsCookieJar())
    fetcher.close()
    assert "CERTIFICATE_VERIFY_FAILED" in problem(server.url(host="app.test"), connector)


@pytest.mark.parametrize("host", ["app.test", "other.test"])
def test_where_certificates_are_not_checked_any_will_do(
    villain: Callable[..., Villain], certificate: tuple[Path, Path], host: str
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    server = villain(OK, tls=tls)
    connector = Connector(names=resolved(app_test=["127.0.0.1"], other_test=["127.0.0.1"]))
    fetcher = Fetcher(Limits(5), connector, verify=False)
    fetched = fetcher.fetch(server.url(host=host), "GET", (), RequestsCookieJar())
    assert fetched.body == b"<Response/>"
    fetcher.close()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("405 No", "answered 405 No to POST (it allows GET)"),
        ("404 Not Found", "answered 404 Not Found"),
        ("500 Oh", "answered 500 Oh"),
    ],
)
def test_methods_are_named_where_the_method_is_wrong(
    villain: Callable[..., Villain], status: str, said: str
) -> None:
    server = villain(says(answer(b"", "Allow: GET", status=status)))
    assert problem(server.url(), Connector()) == said
