"""Pictures of the page that explains a call, on a desktop's screen and a phone's."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from urllib.parse import quote

from tests.console.browser import Browser, Tab, expect
from tests.console.conftest import address, sign_in
from tests.scenarios.conftest import House
from tests.timeline.reading import all_of, rejected

SCREENS = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 375, "height": 812}}


@cache
def _browser() -> Browser:
    return Browser()


def take_pictures(house: House, directory: Path, name: str) -> None:
    """NAME-PAGE-SCREEN.png: of each call's own page, the parent's first, or of the list of rejected calls."""
    directory.mkdir(parents=True, exist_ok=True)
    calls = list(dict.fromkeys(entry.call_sid for entry in all_of(house) if entry.call_sid))
    pages = {f"call{number}": f"calls/{quote(sid, ':')}" for number, sid in enumerate(calls, 1)}
    if rejected(house):
        pages["rejected"] = "rejected"
    for screen, viewport in SCREENS.items():
        tab = _browser().open(viewport=viewport)
        sign_in(tab, house)
        for page, path in pages.items():
            _show(tab, f"{address(house)}{path}")
            tab.screenshot(path=str(directory / f"{name}-{page}-{screen}.png"), full_page=True)
        tab.close()


def _show(tab: Tab, url: str) -> None:
    tab.goto(url)
    expect(tab.locator(".moment, .list-rejected tbody tr").first).to_be_visible()
    tab.wait_for_timeout(700)
