"""Settings of one switch and application, and what the doctor finds with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from orchestrator.config import Settings, loads
from orchestrator.doctor import CheckResult, run_checks
from orchestrator.fsconfig.conference_profiles import conference_conf
from tests.lab.emulated import Emulator
from tests.lab.switches import Switch
from tests.lab.web import Application

SETTINGS = """
freeswitch:
  nodes:
    - {{port: {port}, password: {password}, recordings_dir: {recordings}, media_dir: {media}{node}}}
accounts: [{{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b, signing_key: {seed}}}]
applications: {{main: {{voice_url: "{voice}"}}}}
default_application: main
web: {{listen: "127.0.0.1:{web}"{public}}}
callbacks: {{database: {database}}}
{more}
"""
SEED = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
DOCUMENT = "<Response><Dial><Conference>Room</Conference></Dial></Response>"
Examine = Callable[..., dict[str, CheckResult]]


@pytest.fixture
def settings(switch: Switch, application: Application, tmp_path: Path) -> Callable[..., Settings]:
    application.document("/voice", DOCUMENT)

    def make(**changes: object) -> Settings:
        values = {
            "port": switch.port,
            "password": switch.password,
            "recordings": switch.recordings_dir,
            "media": switch.media_dir,
            "node": "",
            "seed": SEED,
            "voice": application.url("/voice"),
            "web": 0,
            "public": "",
            "database": tmp_path / "orchestrator.sqlite",
            "more": "",
        } | changes
        return loads(SETTINGS.format(**values))

    return make


@pytest.fixture
def examined(settings: Callable[..., Settings], switch: Switch) -> Examine:
    """Findings by their check: of several the worst."""
    if isinstance(switch, Emulator):
        profiles = etree.tostring(conference_conf(settings().profiles)).decode()
        switch.emulated.core.conference_conf = profiles

    def run(**changes: object) -> dict[str, CheckResult]:
        return worst_by_check(settings(**changes))

    return run


def worst_by_check(settings: Settings) -> dict[str, CheckResult]:
    """The doctor's results, by check: of several results of one check the worst."""
    found: dict[str, CheckResult] = {}
    order = ("skipped", "ok", "note", "wrong")
    for result in run_checks(settings):
        before = found.get(result.check)
        if before is None or order.index(result.state) >= order.index(before.state):
            found[result.check] = result
    return found


def wrong(found: dict[str, CheckResult]) -> list[str]:
    return [name for name, result in found.items() if result.state == "wrong"]
