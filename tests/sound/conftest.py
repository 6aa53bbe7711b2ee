"""The measured figures of the tests of sound are printed at the end: they say more than a pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.plugin import properties
from tests.scenarios.conftest import house

__all__ = ["house"]

MEASURED = "measured"
# These listen to real phones for tens of milliseconds while the machine does other work: run up to twice more
# on a real FreeSWITCH, each time printed as RERUN. No test outside of these modules is run again.
HEARD_AT_PHONES = {
    "test_beep",
    "test_formats",
    "test_hearing",
    "test_many",
    "test_pauses",
    "test_recording",
    "test_recording_timeout",
    "test_speaker",
    "test_waiting",
}
RERUNS = 2
Measured = Callable[[str, float | str], None]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.pluginmanager.hasplugin("rerunfailures"):
        return
    for item in items:
        if item.path.parent.name == "sound" and item.path.stem in HEARD_AT_PHONES:
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
