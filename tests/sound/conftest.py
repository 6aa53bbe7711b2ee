"""What the tests of sound measured is printed at the end: the figures say more than a pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.plugin import properties
from tests.scenarios.conftest import house

__all__ = ["house"]

MEASURED = "measured"
Measured = Callable[[str, float | str], None]


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
