"""A whole orchestrator, and the timelines that it keeps; on request pictures of the pages that explain."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.scenarios.conftest import House, house
from tests.timeline.pictures import take_pictures

__all__ = ["house"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots", type=Path, metavar="DIR", help="pictures of the console after each test of failures"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Before the fixtures end: the orchestrator still runs then."""
    result = yield
    directory = item.config.getoption("--screenshots", default=None)
    if directory is not None and item.path.name == "test_failures.py":
        houses = [one for one in getattr(item, "funcargs", {}).values() if isinstance(one, House)]
        if houses:
            take_pictures(houses[0], directory, item.name.partition("[")[0])
    return result
