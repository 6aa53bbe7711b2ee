"""The command line: exit codes, what goes to which stream, help."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from orchestrator import __version__, cli
from orchestrator.cli.command import command

ROOT = Path(__file__).resolve().parents[1]


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
def test_a_missing_settings_file_is_reported_the_same_way_everywhere(
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
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"orchestrator {__version__}\n"


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name, found in group.commands.items():
        yield (*path, name)
        if isinstance(found, click.Group):
            yield from commands(found, *path, name)


@pytest.mark.parametrize("words", list(commands(command)), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words, "--help"]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 4


def placeholders(one: click.Command) -> Iterator[str]:
    """The placeholders of values in the help of it and of its subcommands."""
    yield from (each.metavar for each in one.params if each.metavar)
    if isinstance(one, click.Group):
        for sub in one.commands.values():
            yield from placeholders(sub)


def test_placeholders_of_values_are_in_capitals() -> None:
    found = list(placeholders(command))
    assert len(found) > 10
    assert [each for each in found if each != each.upper()] == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "Missing command. See `orchestrator --help`."),
        ("runn", "No such command 'runn'."),
        (
            "run --takeover",
            "--take-over",
        ),
        ("callbacks", "Missing command. See `orchestrator callbacks --help`."),
        ("callbacks list --delivered --waiting", "--delivered and --waiting exclude each other."),
        ("callbacks list --limit -1", "Invalid value for '--limit': -1 is not in the range x>=0."),
        ("callbacks retry x", "'x' is not a valid integer range"),
        ("calls dial 1", "Missing option '--from'."),
        ("calls list --status gone", "Invalid value for '--status': 'gone' is not one of 'ringing', "),
        ("participants mute room", "Missing argument 'PARTICIPANT...'."),
        ("recordings list --conference a --call b", "--call and --conference exclude each other."),
        ("render --diff --yes", "--yes and --diff exclude each other."),
        ("render --undo", "--diff, --whole, --yes and --undo need --into DIR"),
        ("render --into x --undo --whole", "--whole and --undo exclude each other."),
    ],
)
def test_a_mistake_in_the_command_is_one_line_with_what_to_do(
    words: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words.split()) == 2
    output = capsys.readouterr()
    assert not output.out
    (line,) = output.err.splitlines()
    assert line.startswith("orchestrator: ")
    assert says in line
    assert line.endswith(" --help`.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for_a_shell_asks_this_command(shell: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    assert f"_ORCHESTRATOR_COMPLETE={shell}_complete" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("orchestrator parti", ["participants"]),
        ("orchestrator participants un", ["unhold", "unmute"]),
        ("orchestrator calls list --status comp", ["completed"]),
        ("orchestrator run --ta", ["--take-over"]),
    ],
)
def test_bash_completes_commands_options_and_values(typed: str, completed: list[str], tmp_path: Path) -> None:
    program = tmp_path / "orchestrator"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m orchestrator "$@"\n')
    program.chmod(0o700)
    words = " ".join(map(shlex.quote, typed.split()))
    script = f"""
        eval "$(orchestrator completion bash)"
        COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _orchestrator_completion orchestrator
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, env={**os.environ, "PATH": path}
    )
    assert done.stdout.split() == completed, done.stderr
