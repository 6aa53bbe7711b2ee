"""The panel of a call in a real browser, before there is one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.console.browser import Tab, expect
from tests.console.conftest import sign_in, start_room
from tests.console.test_page import PHONE, axe
from tests.scenarios.conftest import House

pytestmark = pytest.mark.only("emulator")


@pytest.fixture
def house(house: House) -> House:
    house.stop()
    # Nothing listens there.
    house.start(web="browser_calls: {enabled: true, port: 1}")
    return house


@pytest.mark.parametrize(
    ("colours", "size"),
    [("light", {"width": 1360, "height": 900}), ("dark", PHONE)],
    ids=["light desktop", "dark phone"],
)
def test_axe_finds_no_fault_in_it(
    open_tab: Callable[..., Tab], house: House, colours: str, size: dict[str, int]
) -> None:
    tab = open_tab(viewport=size, color_scheme=colours, bypass_csp=True)
    sign_in(tab, house)
    tab.get_by_role("button", name="Call", exact=True).click()
    expect(tab.locator("#phone")).to_be_visible()
    assert not axe(tab)
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    # Digits and buttons as they are in a call.
    tab.evaluate("document.querySelector('.phone-running').hidden = false")
    assert not axe(tab)


def test_the_keyboard_alone_opens_and_closes_it(tab: Tab, house: House) -> None:
    sign_in(tab, house)
    button = tab.get_by_role("button", name="Call", exact=True)
    button.focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_label("Number, or the conference's name")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.locator("#phone")).not_to_be_visible()
    expect(button).to_be_focused()


def test_at_a_conference_it_is_about_that_one(tab: Tab, house: House) -> None:
    start_room(house, 1)
    sign_in(tab, house)
    tab.get_by_role("link", name="Room 1234", exact=True).click()
    tab.get_by_role("button", name="Call in").click()
    expect(tab.locator("#phone").get_by_role("heading")).to_have_text("Call into Room 1234")
    expect(tab.get_by_label("Number, or the conference's name")).not_to_be_visible()


def test_at_a_number_it_is_about_that_one(tab: Tab, house: House) -> None:
    sign_in(tab, house)
    tab.get_by_role("link", name="Numbers", exact=True).click()
    tab.get_by_role("button", name="Call +13125550100").click()
    expect(tab.locator("#phone").get_by_role("heading")).to_have_text("Call +13125550100")


def test_a_browser_without_a_microphone_says_so(tab: Tab, house: House) -> None:
    sign_in(tab, house)
    tab.get_by_role("button", name="Call", exact=True).click()
    tab.get_by_label("Number, or the conference's name").fill("+13125550100")
    tab.locator("#phone").get_by_role("button", name="Call", exact=True).click()
    expect(tab.locator("#phone").get_by_role("alert")).to_contain_text("microphone")
    expect(tab.locator("#phone-state")).to_have_text("Call ended")
    assert house.orchestrator is not None
    assert not house.orchestrator.node.browser_calls.outcomes


def test_without_the_setting_nothing_of_it_is_shown(tab: Tab, house: House) -> None:
    house.stop()
    house.start()
    start_room(house, 1)
    sign_in(tab, house)
    expect(tab.get_by_role("button", name="Call", exact=True)).not_to_be_visible()
    tab.get_by_role("link", name="Room 1234", exact=True).click()
    expect(tab.get_by_role("button", name="Announce…")).to_be_visible()
    expect(tab.get_by_role("button", name="Call in")).not_to_be_visible()
