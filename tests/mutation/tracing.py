"""The pytest plugin that notes which lines each test runs, and how long it takes.

`pytest -p tests.mutation.tracing`, with the two files named in the environment (coverage_map.py).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

from tests.mutation.coverage_map import COLLECTED, LINES, SECONDS

# Before the first import of `orchestrator`, which conftest has; greenlets are distinguished.
_measured = coverage.Coverage(
    data_file=os.environ[LINES], source_pkgs=["orchestrator"], concurrency=["gevent"], config_file=False
)
_measured.start()
_seconds: dict[str, float] = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Lines that run while a file is collected are run by all of its tests."""
    _measured.switch_context(f"{COLLECTED}{collector.nodeid}")
    yield
    _measured.switch_context("")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _measured.switch_context(item.nodeid)
    began = time.monotonic()
    yield
    _seconds[item.nodeid] = time.monotonic() - began
    _measured.switch_context("")


def pytest_sessionfinish() -> None:
    _measured.stop()
    _measured.save()
    Path(os.environ[SECONDS]).write_text(json.dumps(_seconds), encoding="utf-8")
