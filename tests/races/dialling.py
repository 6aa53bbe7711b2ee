"""Somebody dialled into a conference is dropped, or the conference ends, in the moment of its answer."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import gevent

from tests.attacks.sip import Dialog
from tests.races.phones import Callee, Caller
from tests.races.race import ask, race
from tests.scenarios.conftest import House

ROOM = "Room 1234"
APPLICATION = "1568109700606592442"
CALLED_SECONDS, OUT_SECONDS = 5.0, 5.0
# From the INVITE on: its answer takes FreeSWITCH and the orchestrator some 60 ms to get it into the room.
LATEST = 0.120


@race("dial-drop")
def dropped_as_it_answers(house: House, times: int) -> list[str]:
    """DELETE of the participant."""
    return _raced(house, times, _drop)


@race("dial-drop-early")
def dropped_as_it_answers_and_is_heard_before(house: House, times: int) -> list[str]:
    """The same with EarlyMedia and sound before the answer."""
    return _raced(house, times, _drop, early=True)


@race("dial-hangup")
def hung_up_as_it_answers(house: House, times: int) -> list[str]:
    """Status=completed of its call."""
    return _raced(house, times, _hang_up)


@race("dial-end")
def ended_as_it_answers(house: House, times: int) -> list[str]:
    """Status=completed of the conference, which nobody else is in."""
    return _raced(house, times, _end, alone=True)


@race("dial-end-early")
def ended_as_it_answers_and_is_heard_before(house: House, times: int) -> list[str]:
    """The same with EarlyMedia, sound before the answer, and somebody in the conference."""
    return _raced(house, times, _end, early=True)


def _drop(house: House, room: str, call: str) -> int:
    return ask(house, "DELETE", f"/Conferences/{room}/Participants/{call}").status_code


def _hang_up(house: House, room: str, call: str) -> int:
    return ask(house, "POST", f"/Calls/{call}", data={"Status": "completed"}).status_code


def _end(house: House, room: str, call: str) -> int:
    return ask(house, "POST", f"/Conferences/{room}", data={"Status": "completed"}).status_code


def _raced(
    house: House,
    times: int,
    order: Callable[[House, str, str], int],
    *,
    early: bool = False,
    alone: bool = False,
) -> list[str]:
    house.voice(house.joins(ROOM, beep="false"))
    wrong: list[str] = []
    rings = (lambda: random.uniform(0.0, LATEST)) if early else None
    with Callee(None, rings=rings) as callee, Caller(house.switch.sip_port) as caller:
        anna: Dialog | None = None
        for number in range(times):
            if not alone and anna is None:
                anna = caller.invite()
                assert anna.status == 200
            problem = _once(house, callee, order, early)
            if problem:
                wrong.append(f"try {number}: {problem}")
            elif alone or order is _end:
                wrong += [f"try {number}: {left}" for left in _rooms_left(house)]
                anna = None
        # She reads nothing of what FreeSWITCH sends, and does not know how her dialog stands.
        house.switch.api("hupall NORMAL_CLEARING")
    return wrong


def _once(house: House, callee: Callee, order: Callable[[House, str, str], int], early: bool) -> str:
    called, ended = callee.called, callee.ended
    answer = ask(
        house,
        "POST",
        f"/Conferences/{ROOM}/Participants",
        data={
            "To": f"sip:callee@{callee.address}",
            "From": "+13125550100",
            "ApplicationSid": APPLICATION,
            "EarlyMedia": str(early).lower(),
        },
    )
    if answer.status_code >= 300:
        return f"not dialled: {answer.text}"
    one = answer.json()
    if not _within(CALLED_SECONDS, lambda: callee.called > called):
        return "not called"
    gevent.sleep(random.uniform(0.0, LATEST))
    status = order(house, one["conference_sid"], one["call_sid"])
    if status not in (200, 204):
        return f"answered {status}"
    if not _within(OUT_SECONDS, lambda: callee.ended > ended):
        house.switch.api("hupall NORMAL_CLEARING")
        return f"answered {status}, and the callee is still there"
    return ""


def _rooms_left(house: House) -> list[str]:
    def live() -> list[str]:
        listed = ask(house, "GET", "/Conferences.json").json()["conferences"]
        return [f"{one['status']} {one['sid']}" for one in listed if one["status"] != "completed"]

    _within(OUT_SECONDS, lambda: not live() and not house.switch.leftovers())
    return [f"a conference that is left: {one}" for one in live()] + house.switch.leftovers()


def _within(seconds: float, met: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not met():
        if time.monotonic() > until:
            return False
        gevent.sleep(0.01)
    return True
