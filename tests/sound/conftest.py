"""What the tests of sound measured is printed at the end: the figures say more than a pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.plugin import properties
from tests.scenarios.conftest import house

__all__ = ["house"]

MEASURED = "measured"
# These measure tens of milliseconds at several phones while the machine does other work: run up to twice more
# on a real FreeSWITCH, each time printed as RERUN. No other test is run again.
MEASURED_AT_PHONES = {
    "test_a_beep_is_two_hundred_milliseconds_to_the_others_and_nothing_to_the_joiner",
    "test_a_coach_is_heard_by_the_coached_one_alone_also_by_nobody_who_comes_later",
    "test_forty_rooms_that_record_at_once_lose_nothing",
    "test_it_ends_so_long_after_the_last_word_of_anybody_and_the_conference_goes_on",
    "test_its_length_is_that_of_the_conference",
    "test_ten_who_join_within_a_second_do_not_queue_behind_beeps",
    "test_the_music_stops_for_all_the_moment_the_conference_starts",
    "test_the_stop_is_stamped_with_the_moment_of_the_last_word",
    "test_what_a_beep_costs_in_a_room_of_fifty",
    "test_who_speaks_is_told_soon_after_the_first_word_and_after_the_last",
}
RERUNS = 2
Measured = Callable[[str, float | str], None]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.pluginmanager.hasplugin("rerunfailures"):
        return
    for item in items:
        if isinstance(item, pytest.Function) and item.originalname in MEASURED_AT_PHONES:
            callspec = getattr(item, "callspec", None)
            if callspec is not None and callspec.params.get("switch") == "freeswitch":
                item.add_marker(pytest.mark.flaky(reruns=RERUNS))


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Takes down one figure, its unit in its name."""

    def take_down(what: str, value: float | str) -> None:
        text = value if isinstance(value, str) else f"{value:.0f}"
        request.node.user_properties.append((MEASURED, (what, text)))

    return take_down


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    figures = dict(pair for pairs in properties(terminalreporter, MEASURED).values() for pair in pairs)
    if figures:
        terminalreporter.section("measured at the phones")
        width = max(map(len, figures))
        for what, value in figures.items():
            terminalreporter.write_line(f"{what:<{width}}  {value}")
