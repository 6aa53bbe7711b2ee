"""The wheel alone, unpacked elsewhere: its files, and a configuration that a real FreeSWITCH starts with."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

import orchestrator
from orchestrator import cli
from orchestrator.fsconfig.base_files import base_files
from tests.docs.markdown import ROOT
from tests.lab import switches
from tests.lab.switches import FreeSwitch
from tests.sound.common import until

SOURCES = (
    "orchestrator",
    "freeswitch-conf",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)
LINKS = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy, which leaves nothing in the checkout."""
    directory = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, directory / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, directory)
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", "dist", "."]
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = (directory / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return directory


def test_it_holds_every_file_of_the_package_and_no_test(unpacked: Path) -> None:
    package = ROOT / "orchestrator"
    ours = {
        (Path(directory) / name).relative_to(package).as_posix()
        for directory, _, names in os.walk(package, followlinks=True)
        for name in names
        if "__pycache__" not in directory
    }
    assert "fsconfig/freeswitch-conf/freeswitch.xml" in ours
    theirs = {
        path.relative_to(unpacked / "orchestrator").as_posix()
        for path in (unpacked / "orchestrator").rglob("*")
        if path.is_file()
    }
    assert theirs == ours
    assert {path.name for path in unpacked.iterdir() if path.suffix != ".dist-info"} == {"orchestrator"}


@pytest.fixture
def rendered(unpacked: Path, tmp_path: Path) -> Path:
    """A configuration that the unpacked wheel has written."""
    (tmp_path / "orchestrator.yaml").write_text(cli.example())
    words = ["-m", "orchestrator", "render", "--into", "freeswitch-conf"]
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    where = "import orchestrator; print(orchestrator.__file__)"
    output = subprocess.check_output([sys.executable, "-c", where], cwd=tmp_path, env=environment, text=True)
    assert output.startswith(str(unpacked))
    subprocess.run([sys.executable, *words], cwd=tmp_path, env=environment, check=True, timeout=60)
    return tmp_path / "freeswitch-conf"


def test_it_writes_a_whole_configuration_of_freeswitch(rendered: Path) -> None:
    files = {path.relative_to(rendered).as_posix() for path in rendered.rglob("*") if path.is_file()}
    assert files == base_files().keys()


@pytest.fixture
def started(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FreeSwitch]:
    monkeypatch.setattr(switches, "CONFIGURATION", rendered)
    if reason := FreeSwitch.why_not():
        pytest.skip(reason)
    switch = FreeSwitch(tmp_path / "switch")
    try:
        switch.open()
        yield switch
    finally:
        switch.close()


def test_freeswitch_starts_with_it_and_parks_calls(started: FreeSwitch) -> None:
    assert "RUNNING" in started.api("sofia status")
    phone = started.call("+13125550100")
    try:
        until(lambda: parked(started), what="a parked call")
        assert started.api(f"uuid_getvar {parked(started)} texml_guard").strip() == "1"
    finally:
        phone.hang_up()
    assert started.log_errors() == []


def parked(switch: FreeSwitch) -> str:
    rows = json.loads(switch.api("show channels as json")).get("rows", [])
    return next((row["uuid"] for row in rows if row["application"] == "park"), "")


def test_the_metadata_have_the_author_and_the_subject(metadata: Message) -> None:
    assert metadata["Author"] == "The TeXML Orchestrator maintainers"
    assert {"freeswitch", "texml", "conference", "sip"} <= set(metadata["Keywords"].split(","))
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert metadata["Description-Content-Type"] == "text/markdown"


def relative(text: str) -> list[str]:
    return [link for link in LINKS.findall(text) if not re.match(r"[a-z]+:|#", link)]


def test_no_link_of_the_description_leads_nowhere(metadata: Message) -> None:
    description = metadata.get_payload()
    assert "FreeSWITCH" in description
    assert relative(description) == []
    assert relative((ROOT / "README.md").read_text()), "or nothing is tested"


def test_with_the_address_of_the_repository_links_and_pictures_lead_there() -> None:
    build = runpy.run_path(str(ROOT / "setup.py"))
    text = "[map](docs/architecture.md#glossary) ![console](docs/console.png) [up](#top) [out](https://a.example/)"
    url, version = "https://git.example/a/b", orchestrator.__version__
    assert build["readme"](text, url) == (
        f"[map]({url}/blob/v{version}/docs/architecture.md#glossary) "
        f"![console]({url}/raw/v{version}/docs/console.png) [up](#top) [out](https://a.example/)"
    )
    assert build["readme"](text, "") == "map  [up](#top) [out](https://a.example/)"
    assert build["urls"](url)["Changelog"] == f"{url}/blob/v{version}/CHANGELOG.md"
