"""The command line: exit codes, what goes to which stream, help."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator import __version__, cli
from orchestrator.cli.command import _parser


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    path = tmp_path / "orchestrator.yaml"
    path.write_text(cli.example())
    return path


def test_check_says_ok(settings_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "-c", str(settings_file)]) == 0
    assert "applications 1" in capsys.readouterr().out


def test_check_prints_every_mistake_and_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("accounts: []\nweb: {listen: '[bold]x[/bold]'}\nloging: {}\n")
    assert cli.main(["check", "-c", str(path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"{path}:1: accounts: there is no account")
    assert lines[1].startswith(f"{path}:2: web.listen: ")
    assert lines[2] == f"{path}:3: loging: unknown key (did you mean logging?)"
    assert lines[3] == "3 mistakes"


@pytest.mark.parametrize("command", ["run", "check", "render"])
def test_a_missing_settings_file_is_told_the_same_way_everywhere(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, "-c", str(tmp_path / "gone.yaml")]) == 2
    assert "orchestrator example > orchestrator.yaml makes one" in capsys.readouterr().err


def test_example_can_be_redirected_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "orchestrator.yaml"
    with path.open("w") as file:
        subprocess.run([sys.executable, "-m", "orchestrator", "example"], stdout=file, check=True, timeout=60)
    assert cli.main(["check", "-c", str(path)]) == 0


def test_example_into_a_closed_pipe_is_quiet() -> None:
    command = f"{sys.executable} -m orchestrator example | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


def test_render_prints_or_writes(
    settings_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["render", "-c", str(settings_file)]) == 0
    assert '<profile name="texml.wide">' in capsys.readouterr().out
    assert cli.main(["render", "-c", str(settings_file), "--into", str(tmp_path / "fs")]) == 0
    assert (tmp_path / "fs" / "configuration" / "conference.conf.xml").exists()


def test_render_says_where_it_cannot_write(
    settings_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert cli.main(["render", "-c", str(settings_file), "--into", str(tmp_path / "file")]) == 1
    assert "file" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"orchestrator {__version__}\n"


@pytest.mark.parametrize("command", ["run", "check", "render", "example", "demo"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main([command, "--help"])
    assert len(capsys.readouterr().out.splitlines()) > 4


def placeholders(parser: argparse.ArgumentParser) -> Iterator[str]:
    """What stands for values in the help of it and of its subcommands."""
    for action in parser._actions:
        yield from (each for each in [action.metavar] if isinstance(each, str))
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from placeholders(sub)


def test_what_stands_for_a_value_is_in_capitals() -> None:
    found = list(placeholders(_parser()))
    assert len(found) > 20
    assert [each for each in found if each != each.upper()] == []


def test_no_command_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main([])
    assert "COMMAND" in capsys.readouterr().err
