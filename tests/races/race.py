"""Common parts of the races: their table, and the invariants after each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
import requests

from tests.scenarios.conftest import ACCOUNT, API_KEY, House

Race = Callable[[House, int], list[str]]
"""Runs it so often; what was wrong, a line each."""

RACES: dict[str, Race] = {}
# Until FreeSWITCH has closed everything, and recordings are measured.
SETTLE_SECONDS = 30.0


def known() -> dict[str, Race]:
    """The table, with every module of races read."""
    from tests.races import dialling, joining, recordings

    assert all((dialling, joining, recordings))
    return RACES


def race(name: str) -> Callable[[Race], Race]:
    """Enters a race into the table under this name."""

    def enter(run: Race) -> Race:
        RACES[name] = run
        return run

    return enter


def ask(house: House, method: str, path: str, **more: Any) -> requests.Response:
    """The REST API, after `/Accounts/<sid>`."""
    assert house.orchestrator is not None
    url = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}{path}"
    return requests.request(method, url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=20, **more)


def recordings(house: House) -> list[dict[str, Any]]:
    """All that are listed."""
    found: list[dict[str, Any]] = []
    page = 0
    while True:
        answer = ask(house, "GET", f"/Recordings.json?PageSize=1000&Page={page}").json()
        found += answer["recordings"]
        if len(answer["recordings"]) < 1000:
            return found
        page += 1


def settle(house: House, timeout: float = SETTLE_SECONDS) -> list[str]:
    """Leftovers after all calls have ended: sessions in FreeSWITCH, recordings without an end, and
    recordings with more than one."""
    deadline = time.monotonic() + timeout
    while open_ := [one["sid"] for one in recordings(house) if one["status"] in ("in-progress", "paused")]:
        if time.monotonic() > deadline:
            break
        gevent.sleep(0.2)
    wrong = [f"recording {sid} is in progress for ever" for sid in open_]
    wrong += [f"left in FreeSWITCH: {left}" for left in house.switch.leftovers(5.0)]
    ends: dict[str, int] = {}
    for request in house.application.to("/recording"):
        sid, status = request.fields["RecordingSid"], request.fields["RecordingStatus"]
        if status in ("completed", "absent"):
            ends[sid] = ends.get(sid, 0) + 1
    return wrong + [f"recording {sid} ended {count} times" for sid, count in ends.items() if count > 1]
