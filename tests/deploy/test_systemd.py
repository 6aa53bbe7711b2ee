"""The units: systemd takes them, they are locked down, and their commands and settings are ours."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.callbacks.signature import new_seed
from orchestrator.config import Settings, load
from tests.docs.markdown import ROOT
from tests.docs.test_prose import refused

SYSTEMD = ROOT / "deploy" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
PROGRAMS = {"/opt/texml/bin/orchestrator": "/bin/true", "/usr/bin/freeswitch": "/bin/true"}
ENVIRONMENT = {"FS_EVENT_SOCKET_PASSWORD": "hush", "ORCHESTRATOR_API_KEY": "key"}

each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)


def service(unit: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(unit)
    return dict(parser["Service"])


@pytest.fixture
def installed(tmp_path: Path) -> list[Path]:
    """Copies, whose programs there are on every machine."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    for unit in UNITS:
        text = unit.read_text()
        for program, there in PROGRAMS.items():
            text = text.replace(program, there)
        (tmp_path / unit.name).write_text(text)
    return sorted(tmp_path.glob("*.service"))


def test_systemd_takes_both_without_a_word(installed: list[Path]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", *installed], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_unit_that_is_wrong_is_found(installed: list[Path]) -> None:
    installed[0].write_text(installed[0].read_text().replace("UMask=", "Umask_="))
    done = subprocess.run(
        ["systemd-analyze", "verify", installed[0]], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Umask_" in done.stderr


def test_they_are_locked_down(installed: list[Path]) -> None:
    for unit in installed:
        said = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert said.returncode == 0, said.stdout


@each_unit
def test_every_command_of_ours_is_one_that_the_program_takes(unit: Path) -> None:
    commands = [value for name, value in service(unit).items() if name.startswith("Exec")]
    ours = [
        shlex.split(command)[1:] for command in commands if command.startswith("/opt/texml/bin/orchestrator ")
    ]
    assert ours
    assert [refused(words) for words in ours] == [""] * len(ours)


@each_unit
def test_a_unit_writes_where_its_user_may(unit: Path) -> None:
    found = service(unit)
    assert found["User"] == "texml"
    places = {f"/var/lib/{name}" for name in found["StateDirectory"].split()}
    places |= {f"/var/log/{name}" for name in found.get("LogsDirectory", "").split()}
    places |= {f"/run/{name}" for name in found.get("RuntimeDirectory", "").split()}
    for flag, path in re.findall(
        r" -(log|db|run|-into) (\S+)", found["ExecStart"] + found.get("ExecStartPre", "")
    ):
        assert any(Path(path).is_relative_to(place) for place in places), flag


def test_neither_takes_the_other_along() -> None:
    for unit in UNITS:
        text = unit.read_text()
        assert not re.search(r"^(Requires|BindsTo|PartOf|Upholds|Requisite)=", text, re.MULTILINE)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "orchestrator.yaml"
    path.write_text((SYSTEMD / "orchestrator.yaml").read_text())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (ENVIRONMENT | {"ORCHESTRATOR_SIGNING_KEY": new_seed()}).items():
            patch.setenv(name, value)
        return load(path)


def test_the_settings_are_right_and_within_the_units_directories(settings: Settings) -> None:
    assert settings.advice() == []
    (node,) = settings.freeswitch.nodes
    places = (node.recordings_dir, node.media_dir, node.conf_dir, settings.callbacks.database)
    assert all(place is not None and place.is_relative_to("/var/lib/texml") for place in places)
    rendered = service(SYSTEMD / "texml-freeswitch.service")["ExecStartPre"]
    assert f"--into {node.conf_dir} " in rendered


def test_the_readme_makes_every_secret_that_the_settings_name() -> None:
    wanted = set(re.findall(r"\{env: (\w+)\}", (SYSTEMD / "orchestrator.yaml").read_text()))
    made = set(re.findall(r"^(\w+)=", (ROOT / "deploy" / "README.md").read_text(), re.MULTILINE))
    assert wanted
    assert wanted <= made
