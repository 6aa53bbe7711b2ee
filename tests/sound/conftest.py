"""What the tests of sound measured is printed at the end: the figures say more than a pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scenarios.conftest import house

__all__ = ["house"]

FIGURES = pytest.StashKey[dict[str, str]]()
Measured = Callable[[str, float | str], None]


@pytest.fixture
def measured(pytestconfig: pytest.Config) -> Measured:
    """Takes down one figure, its unit in its name."""
    figures = pytestconfig.stash.setdefault(FIGURES, {})

    def take_down(what: str, value: float | str) -> None:
        figures[what] = value if isinstance(value, str) else f"{value:.0f}"

    return take_down


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    figures = config.stash.get(FIGURES, {})
    if figures:
        terminalreporter.section("measured at the phones")
        width = max(map(len, figures))
        for what, value in figures.items():
            terminalreporter.write_line(f"{what:<{width}}  {value}")
