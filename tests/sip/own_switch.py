"""A FreeSWITCH of one test file, with an environment of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.switches import FreeSwitch


class OwnSwitch(FreeSwitch):
    """`more` of what freeswitch-conf/vars.xml reads."""

    def __init__(self, directory: Path, more: Mapping[str, str]) -> None:
        super().__init__(directory)
        self._more = more

    def _environment(self) -> dict[str, str]:
        return super()._environment() | self._more


@contextmanager
def own_switch(directory: Path, more: Mapping[str, str]) -> Iterator[OwnSwitch]:
    if reason := OwnSwitch.why_not():
        pytest.skip(reason)
    directory.mkdir(exist_ok=True)
    switch = OwnSwitch(directory, more)
    try:
        switch.open()
        switch.begin()
        yield switch
    finally:
        switch.close()
