"""The pytest plugin that runs the tests named in a file, in that order."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

TESTS = "MUTATION_TESTS"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wanted = json.loads(Path(os.environ[TESTS]).read_text(encoding="utf-8"))
    place = {test: number for number, test in enumerate(wanted)}
    items[:] = sorted((one for one in items if one.nodeid in place), key=lambda one: place[one.nodeid])
