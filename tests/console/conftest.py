"""A browser in front of the console of a whole orchestrator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.console.browser import Browser, Tab, expect, why_not
from tests.scenarios.conftest import API_KEY, NUMBER, House, house
from tests.web.site import RATE, wait_until

__all__ = ["house"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if reason := why_not():
        pytest.skip(reason)
    browser = Browser()
    yield browser
    browser.stop()


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Tab]]:
    """Opens tabs that nothing may go wrong in."""
    tabs: list[Tab] = []

    def open_(**settings: object) -> Tab:
        tabs.append(browser.open(**settings))
        return tabs[-1]

    yield open_
    complaints = [complaint for tab in tabs for complaint in tab.complaints]
    for tab in tabs:
        tab.close()
    # Chromium notes down every answer of 400 and more; those are the tests' own doing.
    assert not [one for one in complaints if "Failed to load resource" not in one]


@pytest.fixture
def tab(open_tab: Callable[..., Tab]) -> Tab:
    return open_tab(viewport={"width": 1360, "height": 900})


def address(house: House) -> str:
    assert house.orchestrator is not None
    return f"http://127.0.0.1:{house.orchestrator.web.port}/"


def sign_in(tab: Tab, house: House, key: str = API_KEY) -> None:
    tab.goto(address(house))
    tab.get_by_label("API key").fill(key)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.locator("#link")).to_have_text("Live")


def silence_and_tone(path: Path, silent: float, loud: float, level: float) -> Path:
    """A recording: so many seconds of nothing, then of a tone as loud as `level`, from 0 to 1."""
    tone = level * np.sin(2 * np.pi * 440 * np.arange(int(loud * RATE)) / RATE)
    soundfile.write(path, np.concatenate([np.zeros(int(silent * RATE)), tone]), RATE, subtype="PCM_16")
    return path


def start_room(house: House, callers: int = 2, name: str = "Room 1234", **attributes: str) -> str:
    """Its ConferenceSid; callers have the numbers +13125550100, +13125550101, …"""
    assert house.orchestrator is not None
    house.voice(house.joins(name, **attributes))
    for number in range(callers):
        house.switch.call(NUMBER, from_=f"+1312555010{number}")
    rooms = house.orchestrator.node.rooms

    def found() -> str:
        for room in rooms:
            inside = [one for one in room.participants.values() if one.phase.value == "in"]
            if room.name == name and len(inside) == callers:
                return str(room.sid)
        return ""

    wait_until(found, "all are in")
    return found()
