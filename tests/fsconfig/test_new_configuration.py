"""`orchestrator render --into NEW`: a whole configuration, and what happens to it the next time."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import cli
from orchestrator.fsconfig.base_files import START, base_files
from orchestrator.fsconfig.render import CALLERS

NETWORKS = "sip: {networks: {office: [192.0.2.0/24]}}\n"
SETTINGS = (
    "accounts: [{sid: cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b}]\n"
    "applications: {a: {voice_url: 'http://127.0.0.1/'}}\ndefault_application: a\n"
)
DIALPLAN = "dialplan/texml.xml"


@pytest.fixture
def render(tmp_path: Path):
    def run(*words: str, settings: str = SETTINGS, into: str = "new") -> int:
        file = tmp_path / "orchestrator.yaml"
        file.write_text(settings)
        return cli.main(["render", "-c", str(file), "--into", str(tmp_path / into), *words])

    return run


def files(directory: Path) -> dict[str, str]:
    found = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_text() for path in found}


def test_a_new_directory_gets_every_file_and_those_of_the_settings(
    render, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(settings=SETTINGS + NETWORKS) == 0
    found = files(tmp_path / "new")
    assert found.keys() == base_files().keys()
    assert "192.0.2.0/24" in found[CALLERS]
    assert capsys.readouterr().out.splitlines()[-1].endswith(START), "others wait for it to start FreeSWITCH"


def test_an_empty_directory_is_a_new_one_and_one_with_other_things_is_refused(
    render, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert render(into="empty") == 0
    assert render(into=".") == 1
    assert "has other files in it: name a new directory" in capsys.readouterr().err
    assert not (tmp_path / START).exists()


def test_the_second_time_only_files_that_follow_from_the_settings_are_written(
    render, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render() == 0
    dialplan = tmp_path / "new" / DIALPLAN
    dialplan.write_text("<include/>")
    capsys.readouterr()
    assert render(settings=SETTINGS + NETWORKS) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 6
    assert "192.0.2.0/24" in (tmp_path / "new" / CALLERS).read_text()
    assert dialplan.read_text() == "<include/>"
    assert DIALPLAN in err
    assert "--whole --diff shows how, --whole writes this version's" in err


def test_whole_shows_and_writes_the_other_files_of_this_version(
    render, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render() == 0
    dialplan = tmp_path / "new" / DIALPLAN
    dialplan.write_text("<include/>")
    capsys.readouterr()
    assert render("--whole", "--diff") == 0
    assert "-<include/>" in capsys.readouterr().out
    assert dialplan.read_text() == "<include/>"
    assert render("--whole") == 0
    assert dialplan.read_text() == base_files()[DIALPLAN]


NODES = """
freeswitch:
  nodes:
    - {{name: a, relay: "10.0.0.1:5070", recordings_dir: /ra, media_dir: /ma, conf_dir: {0}/a}}
    - {{name: b, relay: "10.0.0.2:5072", port: 8022, recordings_dir: /rb, media_dir: /mb, conf_dir: {0}/b}}
web: {{browser_calls: {{enabled: true}}}}
"""


def test_the_conf_dir_of_each_node_becomes_its_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "orchestrator.yaml"
    file.write_text(SETTINGS + NODES.format(tmp_path))
    command = ["render", "-c", str(file), "--conf-dirs"]
    (tmp_path / "a" / "dialplan").mkdir(parents=True)
    (tmp_path / "a" / "dialplan" / "of-an-older-version.xml").write_text("<include/>")
    # A start that was broken off.
    (tmp_path / "a" / DIALPLAN).write_text("<old/>")
    (tmp_path / "a" / ".vars.xml.new").write_text("<half")
    assert cli.main(command) == 0
    for name, other in (("a", "10.0.0.2"), ("b", "10.0.0.1")):
        found = files(tmp_path / name)
        assert found.keys() == base_files().keys()
        assert other in found["sip_profiles/trunks/nodes.xml"]
    # Calls of the console come to the first.
    assert "texml-browser" in files(tmp_path / "a")["sip_profiles/browser.xml"]
    assert "texml-browser" not in files(tmp_path / "b")["sip_profiles/browser.xml"]
    (tmp_path / "b" / "hosts").write_text("127.0.0.1 localhost")
    assert cli.main(command) == 1
    assert "none of FreeSWITCH's: give b another conf_dir" in capsys.readouterr().err
    assert (tmp_path / "b" / "hosts").exists()


def test_without_a_conf_dir_there_is_nothing_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "orchestrator.yaml"
    file.write_text(SETTINGS)
    assert cli.main(["render", "-c", str(file), "--conf-dirs"]) == 1
    assert "no node in the settings has a conf_dir" in capsys.readouterr().err
    assert cli.main(["render", "-c", str(file), "--conf-dirs", "--into", "x"]) == 2
