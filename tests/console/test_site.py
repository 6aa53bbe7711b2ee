"""The console over HTTP: who gets in, who may do what, and that nobody sees what is another account's."""

from __future__ import annotations

import configparser
import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests
from flask import Blueprint, Flask

from orchestrator.app import Orchestrator
from orchestrator.config import loads
from orchestrator.web.console.peaks import PARTS, Peaks, peaks_of
from orchestrator.web.console.sessions import Session, Sessions
from tests.console.conftest import address, silence_and_tone, start_room
from tests.scenarios.conftest import ACCOUNT, API_KEY, OTHER_API_KEY, House
from tests.web.site import wait_until

pytestmark = pytest.mark.rather("emulator")
ROOT = Path(__file__).resolve().parents[2]


class Visitor:
    """Somebody with a browser's cookies and none of its manners."""

    def __init__(self, house: House) -> None:
        self.base = address(house)
        self.http = requests.Session()
        self.csrf = ""

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"X-CSRF-Token": self.csrf} | more.pop("headers", {})
        return self.http.request(method, f"{self.base}{path}", headers=headers, timeout=20, **more)

    def signs_in(self, key: str = API_KEY) -> requests.Response:
        response = self.ask("POST", "console/session", json={"key": key})
        self.csrf = response.json().get("csrf", "")
        return response

    def events(self) -> Iterator[tuple[str, Any]]:
        """The live events, until the server ends them."""
        with self.ask("GET", "console/events", stream=True) as response:
            name = ""
            for line in response.iter_lines(chunk_size=1):
                word, _, rest = line.decode().partition(": ")
                if word == "event":
                    name = rest
                elif word == "data":
                    yield name, json.loads(rest)


@pytest.fixture
def visitor(house: House) -> Visitor:
    visitor = Visitor(house)
    visitor.signs_in()
    return visitor


GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


# Getting in


def test_a_key_makes_a_cookie_that_no_script_and_no_other_site_can_use(house: House) -> None:
    visitor = Visitor(house)
    response = visitor.signs_in()
    welcome = response.json()
    assert visitor.ask("GET", "console/session").json() == welcome
    assert len(welcome.pop("csrf")) > 40
    assert welcome.pop("expires") == pytest.approx((time.time() + 43200) * 1000, abs=60_000)
    assert welcome == {
        "account": {"sid": ACCOUNT, "name": "main"},
        "key": "API key 1",
        "calls": False,
        "nodes": 1,
    }
    cookie = response.headers["Set-Cookie"]
    name, *attributes = cookie.split("; ")
    assert name.startswith("console=")
    assert {one.partition("=")[0] for one in attributes} == {"Expires", "HttpOnly", "Path", "SameSite"}
    assert {"HttpOnly", "Path=/", "SameSite=Strict"} < set(attributes)
    expires = parsedate_to_datetime(cookie.partition("Expires=")[2].partition(";")[0])
    assert expires.timestamp() == pytest.approx(time.time() + 43200, abs=60)
    assert API_KEY not in cookie


def test_a_wrong_key_opens_nothing(house: House) -> None:
    visitor = Visitor(house)
    assert visitor.signs_in("key-of-nobody").status_code == 401
    assert not visitor.http.cookies


@pytest.mark.parametrize(
    "path",
    [
        "callbacks",
        "callbacks/1",
        "calls",
        "calls/x",
        "calls/x/timeline",
        "conferences",
        "conferences/x",
        "conferences/x/timeline",
        "events",
        "numbers",
        "recordings/x/peaks",
    ],
)
def test_nothing_is_shown_to_a_visitor_that_is_not_signed_in(house: House, path: str) -> None:
    assert Visitor(house).ask("GET", f"console/{path}").status_code == 401


def test_without_any_key_there_is_no_way_in(house: House) -> None:
    visitor = Visitor(house)
    assert house.orchestrator is not None
    for account in house.orchestrator.settings.accounts:
        object.__setattr__(account, "api_keys", ())
    assert visitor.ask("GET", "console/session").json() == {"account": None, "keys": False}
    assert visitor.signs_in("").status_code == 401


def test_signing_out_ends_the_session_and_its_live_events(visitor: Visitor) -> None:
    events = visitor.events()
    assert next(events)[0] == "snapshot"
    cookie = dict(visitor.http.cookies)
    assert visitor.ask("DELETE", "console/session").status_code == 204
    assert list(events) == []
    visitor.http.cookies.update(cookie)
    assert visitor.ask("GET", "console/conferences").status_code == 401


def test_a_session_ends_in_time(house: House, visitor: Visitor) -> None:
    assert house.orchestrator is not None
    sessions = house.orchestrator.console._sessions
    assert visitor.ask("GET", "console/conferences").status_code == 200
    sessions._clock = lambda: time.time() + sessions.lifetime + 1
    assert visitor.ask("GET", "console/conferences").status_code == 401


def test_a_restart_signs_nobody_out_and_lets_nobody_back_in(house: House, visitor: Visitor) -> None:
    gone = Visitor(house)
    gone.signs_in()
    cookie = dict(gone.http.cookies)
    gone.ask("DELETE", "console/session")
    house.stop()
    house.start()
    for one in (visitor, gone):
        one.base = address(house)
    gone.http.cookies.update(cookie)
    assert visitor.ask("GET", "console/conferences").status_code == 200
    assert visitor.ask("POST", "console/conferences/x", json={"end": True}).status_code == 404
    assert gone.ask("GET", "console/conferences").status_code == 401


def test_a_cookie_that_was_changed_or_made_elsewhere_opens_nothing(house: House, visitor: Visitor) -> None:
    (name, cookie), *_ = visitor.http.cookies.items()
    assert house.orchestrator is not None
    other = Sessions(house.orchestrator.current, house.orchestrator.outbox, b"another secret")
    app = Flask(__name__)
    blueprint = Blueprint("console", __name__)
    blueprint.record(other.set_up)
    blueprint.add_url_rule("/", "open", lambda: str(other.open(ACCOUNT, API_KEY)))
    app.register_blueprint(blueprint)
    made = app.test_client().get("/").headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    changed = f"{cookie[:10]}{'A' if cookie[10] != 'A' else 'B'}{cookie[11:]}"
    for wrong in (made, changed, cookie[:-1], "", "x", "a.b.c"):
        visitor.http.cookies.clear()
        visitor.http.cookies.set(name, wrong)
        assert visitor.ask("GET", "console/conferences").status_code == 401, wrong


@pytest.mark.parametrize(("url", "secure"), [("https://x.example", True), ("http://x.example", False)])
def test_behind_https_the_cookie_goes_nowhere_else(house: House, url: str, secure: bool) -> None:
    house.stop()
    house.settings = house.settings.replace(
        "listen: 127.0.0.1:0", f"listen: 127.0.0.1:0\n  public_url: {url}"
    )
    house.orchestrator = Orchestrator(loads(house.settings))
    house.orchestrator.start()
    assert house.orchestrator.wait_ready(10)
    assert ("Secure" in Visitor(house).signs_in().headers["Set-Cookie"]) is secure


WITHDRAWN = {
    "its key": (f"[{API_KEY}]", "[another-key]"),
    "all keys": (f"[{API_KEY}]", "[]"),
    "its account": (f"sid: {ACCOUNT}", "sid: 11111111-eb00-41af-a3f3-0d7b32009e4b"),
    "its key, which another account has now": (OTHER_API_KEY, API_KEY),
}


@pytest.mark.parametrize("what", WITHDRAWN)
def test_a_session_and_its_live_events_end_when_its_key_is_withdrawn(
    house: House, visitor: Visitor, what: str
) -> None:
    """Symptom: a withdrawn key kept its console for up to 12 hours. Cause: a session knew its account, not
    its key. Fix: it is good as long as the account has the key that opened it."""
    events = visitor.events()
    assert next(events)[0] == "snapshot"
    old, new = WITHDRAWN[what]
    if old == OTHER_API_KEY:
        # One key belongs to one account.
        house.settings = house.settings.replace(f"[{API_KEY}]", "[another-key]")
    house.reload(old, new)
    began = time.monotonic()
    assert list(events) == []
    assert time.monotonic() - began < 2
    for path in ("console/conferences", "console/events", "console/conferences/x"):
        assert visitor.ask("GET", path).status_code == 401
    assert visitor.ask("POST", "console/conferences/x", json={"end": True}).status_code == 401
    assert visitor.ask("GET", "console/session").json()["account"] is None


def test_a_session_stays_when_another_key_of_its_account_is_withdrawn(house: House) -> None:
    house.reload(f"[{API_KEY}]", f"[{API_KEY}, second-key]")
    first, second = Visitor(house), Visitor(house)
    first.signs_in()
    second.signs_in("second-key")
    house.reload(f"[{API_KEY}, second-key]", f"[{API_KEY}]")
    assert first.ask("GET", "console/conferences").status_code == 200
    assert second.ask("GET", "console/conferences").status_code == 401


def test_after_ten_different_wrong_keys_no_more_is_looked_at_for_a_while(house: House) -> None:
    visitor = Visitor(house)
    for number in range(10):
        assert visitor.signs_in(f"guess {number}").status_code == 401
    # The same one again says nothing new: a client with an old key locks out nobody.
    assert visitor.signs_in("guess 3").status_code == 401
    for key in ("guess 10", API_KEY):
        refused = visitor.signs_in(key)
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 30
        assert "wait" in refused.json()["problem"]
    # The REST API counts with it; and a visitor that had a right key there may come again.
    rest = requests.get(
        f"{address(house)}v2/texml/Accounts/{ACCOUNT}/Conferences", auth=(ACCOUNT, API_KEY), timeout=20
    )
    assert rest.status_code == 429
    assert rest.headers["Retry-After"]
    assert house.orchestrator is not None
    counted = house.orchestrator.attempts.counted
    assert counted["console", "wrong"] == 11
    assert counted["console", "refused"] == 2
    assert counted["rest", "refused"] == 1


def test_a_visitor_with_a_right_key_is_not_kept_out_by_the_guesses_of_others(house: House) -> None:
    visitor = Visitor(house)
    assert visitor.signs_in().status_code == 200
    for number in range(12):
        Visitor(house).signs_in(f"guess {number}")
    assert Visitor(house).signs_in("guess 12").status_code == 429
    assert visitor.signs_in().status_code == 200


def test_another_site_can_neither_sign_in_nor_order(house: House, visitor: Visitor) -> None:
    sid = start_room(house)
    form = {"headers": {"Content-Type": "text/plain"}, "data": json.dumps({"key": API_KEY})}
    assert visitor.ask("POST", "console/session", **form).status_code == 403
    foreign = {"headers": {"Sec-Fetch-Site": "cross-site"}, "json": {"key": API_KEY}}
    assert visitor.ask("POST", "console/session", **foreign).status_code == 403
    for token in ("", "guessed"):
        visitor.csrf = token
        assert visitor.ask("POST", f"console/conferences/{sid}", json={"end": True}).status_code == 403
        assert visitor.ask("DELETE", f"console/conferences/{sid}/participants/x").status_code == 403
        assert visitor.ask("DELETE", "console/session").status_code == 403
    assert house.orchestrator is not None
    assert house.orchestrator.node.rooms.get(sid) is not None


def test_the_page_may_load_nothing_from_elsewhere_and_be_framed_by_nobody(house: House) -> None:
    visitor = Visitor(house)
    for path in ("", "console/static/main.js", "console/session"):
        response = visitor.ask("GET", path)
        policy = response.headers["Content-Security-Policy"].split("; ")
        own = {f"{kind}-src 'self'" for kind in ("script", "style", "img", "connect", "media")}
        none = {f"{kind} 'none'" for kind in ("default-src", "base-uri", "frame-ancestors", "trusted-types")}
        assert set(policy) == own | none | {"form-action 'self'", "require-trusted-types-for 'script'"}
        assert [response.headers[name] for name in GUARDS] == list(GUARDS.values())
    assert visitor.ask("GET", "console/session").headers["Cache-Control"] == "no-store"


# Whose it is


def test_nothing_of_one_account_is_visible_to_another(house: House, visitor: Visitor) -> None:
    sid = start_room(house, record="record-from-start")
    other = Visitor(house)
    other.signs_in(OTHER_API_KEY)
    (_, mine), (_, theirs) = next(visitor.events()), next(other.events())
    assert [room["sid"] for room in mine["rooms"]] == [sid]
    assert theirs["rooms"] == []
    (call, _) = mine["rooms"][0]["people"]
    recording = visitor.ask("GET", f"console/conferences/{sid}").json()["recordings"][0]["sid"]
    for method, path, body in (
        ("GET", f"conferences/{sid}", None),
        ("GET", f"recordings/{recording}/peaks", None),
        ("POST", f"conferences/{sid}", {"end": True}),
        ("POST", f"conferences/{sid}", {"announce": "http://127.0.0.1/a.wav"}),
        ("POST", f"conferences/{sid}/participants/{call}", {"muted": True}),
        ("DELETE", f"conferences/{sid}/participants/{call}", None),
        ("POST", f"conferences/{sid}", {"muted": True}),
        ("POST", f"conferences/{sid}", {"recording": "stopped"}),
        ("POST", f"conferences/{sid}/participants", {"to": "+13125550021", "from_": "+13125550100"}),
        ("POST", f"calls/{call}", {"end": True}),
        ("POST", f"calls/{call}", {"recording": "in-progress"}),
        ("POST", f"calls/{call}/timeline/1/request", None),
    ):
        assert other.ask(method, f"console/{path}", json=body).status_code == 404
    house.switch.hang_up_all()
    over = "console/conferences?state=over"
    wait_until(lambda: visitor.ask("GET", over).json()["items"], "it is over")
    callback = visitor.ask("GET", "console/callbacks").json()["items"][0]["id"]
    for kind in ("conferences", "calls", "callbacks"):
        assert visitor.ask("GET", f"console/{kind}?words={call}").json()["items"] or kind == "conferences"
        assert other.ask("GET", f"console/{kind}").json()["items"] == []
        assert other.ask("GET", f"console/{kind}?words={sid}").json()["items"] == []
    assert other.ask("GET", f"console/calls/{call}").status_code == 404
    for kind, one in (("calls", call), ("conferences", sid)):
        assert visitor.ask("GET", f"console/{kind}/{one}/timeline").json()["entries"]
        assert other.ask("GET", f"console/{kind}/{one}/timeline").json()["entries"] == []
    assert other.ask("GET", f"console/callbacks/{callback}").status_code == 404
    assert other.ask("POST", f"console/callbacks/{callback}/replay").status_code == 404
    assert other.ask("GET", "console/callbacks").json()["receivers"] == []
    assert other.ask("GET", f"console/conferences/{sid}").status_code == 404


def test_a_body_that_cannot_be_read_is_refused(house: House, visitor: Visitor) -> None:
    sid = start_room(house, 1)
    for body in (b"{", b'{"muted": "perhaps"}', b'{"unknown": 1}', b"[]", b'{"end": false}'):
        answer = visitor.ask("POST", f"console/conferences/{sid}", data=body)
        assert answer.status_code == 400, body
        assert answer.json()["problem"]
    answer = visitor.ask("POST", f"console/conferences/{sid}", json={"announce": "file:///etc/passwd"})
    assert answer.status_code == 422
    answer = visitor.ask("POST", f"console/conferences/{sid}", data=b" " * 1_000_000)
    assert answer.status_code == 413


# Live events


def test_a_browser_that_does_not_read_has_a_bounded_queue_and_is_sent_everything_later(
    house: House,
) -> None:
    """Symptom: memory grows with each laptop that sleeps. A full queue is replaced by a new picture."""
    assert house.orchestrator is not None
    feed = house.orchestrator.console._stream
    sid = start_room(house, 1)
    room = house.orchestrator.node.rooms.get(sid)
    assert room is not None
    watcher = feed.watch(Session("id", room.account_sid, "", "", 0.0))
    events = watcher.read(lambda: True)
    assert next(events).startswith(b"event: snapshot")
    most = 0
    for _ in range(20_000):
        feed._send(room.account_sid, b"event: change\ndata: " + b"x" * 100 + b"\n\n")
        most = max(most, watcher.waiting_bytes)
    assert most <= 257 * 1024
    assert next(events).startswith(b"event: snapshot")
    feed.on_change(room)
    events.close()
    assert watcher.account_sid not in feed._watchers


def test_a_browser_that_hangs_is_dropped_in_the_end(
    house: House, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket takes nothing more: without a limit its greenlet and its buffers would stay for hours."""
    monkeypatch.setattr("orchestrator.web.console.event_stream.STUCK_SECONDS", 1.0)
    assert house.orchestrator is not None
    feed = house.orchestrator.console._stream
    response = visitor.ask("GET", "console/events", stream=True)
    wait_until(lambda: feed._all(), "it is watched")
    account = feed._all()[0].account_sid

    def flood() -> bool:
        feed._send(account, b": " + b"x" * 200_000 + b"\n\n")
        return not feed._all()

    wait_until(flood, "it is dropped", 20)
    response.close()


def test_stopping_waits_for_no_browser(house: House, visitor: Visitor) -> None:
    events = visitor.events()
    next(events)
    began = time.monotonic()
    house.stop()
    assert time.monotonic() - began < 3
    assert list(events) == []


def test_nobody_looks_and_changes_cost_nothing(house: House) -> None:
    assert house.orchestrator is not None
    feed = house.orchestrator.console._stream
    start_room(house)
    assert not feed._dirty
    assert not feed._known
    assert feed._ticker is None


# Loudness


def test_the_loudness_of_a_recording_is_its_peaks_in_equal_parts(tmp_path: Path) -> None:
    path = silence_and_tone(tmp_path / "a.wav", silent=1.0, loud=1.0, level=0.5)
    peaks = Peaks().of(path)
    assert len(peaks) == PARTS
    assert set(peaks[: PARTS // 2 - 2]) == {0}
    assert all(48 <= peak <= 51 for peak in peaks[PARTS // 2 + 2 :])


def test_the_loudness_is_made_once_until_the_file_changes(tmp_path: Path) -> None:
    path = silence_and_tone(tmp_path / "a.wav", silent=1.0, loud=1.0, level=0.5)
    peaks = Peaks()
    first = peaks.of(path)
    assert peaks.of(path) is first
    silence_and_tone(path, silent=2.0, loud=1.0, level=0.5)
    assert peaks.of(path) != first


def test_of_many_who_ask_at_once_the_first_makes_the_loudness_and_one_is_made_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [silence_and_tone(tmp_path / f"{name}.wav", silent=0.1, loud=0.1, level=0.5) for name in "ab"]
    under_way, most, made = [], [], []

    def slowly(path: Path) -> list[int]:
        under_way.append(path)
        most.append(len(under_way))
        time.sleep(0.02)
        under_way.pop()
        made.append(path)
        return peaks_of(path)

    monkeypatch.setattr("orchestrator.web.console.peaks.peaks_of", slowly)
    peaks = Peaks()
    asking = [gevent.spawn(peaks.of, path) for path in paths * 3]
    assert {len(one.get(timeout=10)) for one in asking} == {PARTS}
    assert (sorted(made), max(most)) == (paths, 1)


def test_the_loop_goes_on_while_the_loudness_of_a_long_recording_is_made(tmp_path: Path) -> None:
    path = silence_and_tone(tmp_path / "a.wav", silent=1200.0, loud=1200.0, level=0.5)
    longest = [0.0]

    def beat() -> None:
        while True:
            before = time.monotonic()
            gevent.sleep(0.005)
            longest[0] = max(longest[0], time.monotonic() - before)

    beating = gevent.spawn(beat)
    began = time.monotonic()
    Peaks().of(path)
    took = time.monotonic() - began
    beating.kill()
    print(f"loudness of 40 minutes: {took:.2f} s, the loop waited {longest[0] * 1000:.0f} ms at most")
    assert longest[0] < max(0.5, took)


# Installed files


def test_an_installed_copy_has_the_page() -> None:
    """Symptom: only an installed copy has no console. Cause: pip takes the files that package_data names."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    patterns = settings["options.package_data"]["orchestrator"].split()
    package = ROOT / "orchestrator"
    taken = {path for pattern in patterns for path in package.glob(pattern)}
    page = {path for path in (package / "web" / "console" / "static").rglob("*") if path.is_file()}
    assert len(page) > 10
    assert page <= taken
