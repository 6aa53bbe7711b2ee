"""The page of the FreeSWITCH nodes, where there are several."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.conftest import two_emulators
from tests.console.browser import Tab, expect
from tests.console.conftest import address, sign_in, start_room
from tests.console.test_page import PHONE, axe
from tests.scenarios.conftest import OTHER_API_KEY, House

__all__ = ["two_emulators"]
NOTHING = "0 conferences, 0 participants"


def cells(tab: Tab) -> list[list[str]]:
    lines = tab.get_by_role("table", name="Nodes").locator("xpath=./tbody/tr")
    expect(lines.first).to_be_visible()
    return [line.split("\t") for line in lines.all_inner_texts()]


def test_each_node_with_its_state_and_its_calls(tab: Tab, two_emulators: House) -> None:
    house = two_emulators
    sid = start_room(house, 2)
    sign_in(tab, house)
    tab.get_by_role("navigation", name="Pages").get_by_role("link", name="Nodes").click()
    expect(tab).to_have_url(f"{address(house)}nodes")
    assert cells(tab) == [
        ["default", "up", "1 conference, 2 participants", ""],
        ["home", "up", NOTHING, ""],
    ]
    assert house.orchestrator is not None
    house.orchestrator.nodes[0].availability.drain(True)
    first = tab.get_by_role("table", name="Nodes").locator("xpath=./tbody/tr").first
    expect(first).to_contain_text("New conferences are opened on other nodes")
    (other,) = house.switch.others
    house.log.allows("FreeSWITCH is gone", "another FreeSWITCH answers")
    other.kill()
    second = tab.get_by_role("table", name="Nodes").locator("xpath=./tbody/tr").nth(1)
    expect(second).to_contain_text("FreeSWITCH is not connected")
    expect(tab.locator("#banner")).to_have_text("node home: FreeSWITCH is not connected.")
    other.start()
    assert house.orchestrator.nodes[1].wait_up(15)
    expect(second).to_contain_text("up")
    tab.goto(f"{address(house)}conferences/{sid}")
    expect(tab.locator(".detail .facts").first).to_contain_text("node default")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 800}], ids=["phone", "desk"])
def test_axe_finds_no_fault_and_it_is_no_wider_than_the_screen(
    open_tab: Callable[..., Tab], two_emulators: House, viewport: dict[str, int], scheme: str
) -> None:
    tab = open_tab(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    sign_in(tab, two_emulators)
    tab.goto(f"{address(two_emulators)}nodes")
    cells(tab)
    assert not axe(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_others_do_not_see_how_much_of_an_account_is_on_a_node(tab: Tab, two_emulators: House) -> None:
    start_room(two_emulators, 2)
    sign_in(tab, two_emulators, OTHER_API_KEY)
    tab.goto(f"{address(two_emulators)}nodes")
    assert cells(tab) == [["default", "up", NOTHING, ""], ["home", "up", NOTHING, ""]]


@pytest.mark.rather("emulator")
def test_a_node_that_is_the_only_one_is_not_named(tab: Tab, house: House) -> None:
    sid = start_room(house, 1)
    sign_in(tab, house)
    expect(tab.get_by_role("navigation", name="Pages").get_by_role("link", name="Nodes")).to_be_hidden()
    tab.goto(f"{address(house)}conferences/{sid}")
    expect(tab.locator(".detail .facts").first).to_contain_text("1 of")
    expect(tab.locator(".detail .facts").first).not_to_contain_text("node")
