"""A house with the door locked once: what FreeSWITCH's own settings would still stop is let through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.payloads import short_mark
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application
from tests.scenarios.conftest import House, lived_in

SECOND_LOCKS = (
    ("vars.xml", "disable_system_app_commands=true", "disable_system_app_commands=false"),
    ("vars.xml", "disable_system_api_commands=true", "disable_system_api_commands=false"),
    (
        "configuration/switch.conf.xml",
        'name="api-expansion" value="false"',
        'name="api-expansion" value="true"',
    ),
)


@pytest.fixture
def unlocked(switch: Switch) -> Iterator[FreeSwitch]:
    """A FreeSWITCH that has a shell and runs functions wherever it expands: only our own care protects it."""
    assert isinstance(switch, FreeSwitch)
    for name, closed, opened in SECOND_LOCKS:
        path = switch.conf_dir / name
        text = path.read_text()
        assert closed in text
        path.write_text(text.replace(closed, opened))
    switch.restart()
    yield switch
    switch.hang_up_all()
    switch.restore()
    switch.restart()


@pytest.fixture
def open_house(unlocked: FreeSwitch, application: Application, tmp_path: Path) -> Iterator[House]:
    with lived_in(unlocked, application, tmp_path) as house:
        yield house


@pytest.fixture
def house(switch: Switch, application: Application, tmp_path: Path) -> Iterator[House]:
    with lived_in(switch, application, tmp_path) as house:
        yield house


@pytest.fixture
def mark() -> Iterator[Path]:
    """The file that an attack that succeeds would touch."""
    with short_mark() as path:
        yield path
