"""The command `orchestrator`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.text import Text

from orchestrator import __version__, logs
from orchestrator.callbacks import command as callbacks_command
from orchestrator.cli import rest
from orchestrator.config import ConfigErrors, Settings, load
from orchestrator.config import command as config_command
from orchestrator.freeswitch import render_command
from orchestrator.reloading import command as reload_command

EXIT_OK, EXIT_FAILED, EXIT_SETTINGS = 0, 1, 2

_ABOUT = """\
TeXML conferences on your own FreeSWITCH. FreeSWITCH parks a call, the orchestrator fetches the TeXML of its
number and runs it: <Dial><Conference> becomes a FreeSWITCH conference, what happens in it becomes callbacks.
"""
_DOCTOR = """\
One line a check, with what to do about it where something is wrong: FreeSWITCH, its modules, clock,
dialplan and conference profiles, both shared directories from both sides, the web address, signing keys
and database. It asks each voice URL for a document, as a call from `orchestrator-doctor` would, and makes
one call through FreeSWITCH's loopback endpoint into a conference and out. It may run beside the
orchestrator. Exit codes: 0 nothing is wrong, 1 something is, 2 the settings are wrong.
"""
_START = """\
first steps:
  orchestrator demo                          a conference without any telephony, to look around
  orchestrator example > orchestrator.yaml   commented settings, every key explained
  orchestrator config --explain KEY          what one of them means, and what it may be
  orchestrator check -c orchestrator.yaml    all mistakes in them, each with its line
  orchestrator render -c orchestrator.yaml --into freeswitch-conf
  orchestrator run -c orchestrator.yaml
  orchestrator doctor -c orchestrator.yaml   what is still wrong with all of it, and what to do about it
  orchestrator reload -c orchestrator.yaml   changed settings, while calls go on

while it runs:
  orchestrator conferences list
  orchestrator participants mute "Room 1234" anna
  orchestrator callbacks list

exit codes: 0 all is well, 1 it failed, 2 the settings or the command line are wrong, 3 nobody answers
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return _COMMANDS[arguments.command](arguments)
    except ConfigErrors as errors:
        _print_errors(errors)
        return EXIT_SETTINGS
    except BrokenPipeError:
        # `orchestrator example | head`: the reader is gone, so Python must not flush into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="orchestrator", description=_ABOUT, epilog=_START, formatter_class=as_written
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, short: str, long: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=short, description=f"{short}. {long}", formatter_class=as_written
        )

    def settings_file(of: argparse.ArgumentParser) -> None:
        of.add_argument(
            "-c",
            "--config",
            type=Path,
            default=Path("orchestrator.yaml"),
            metavar="FILE",
            help="settings (default: %(default)s)",
        )

    running = command(
        "run", "take calls", "Runs until SIGTERM or SIGINT; calls and rooms in FreeSWITCH outlive it."
    )
    settings_file(running)
    running.add_argument(
        "--take-over",
        action="store_true",
        help="take FreeSWITCH from another orchestrator that runs on it, which then does nothing any more",
    )
    settings_file(
        command(
            "check", "check the settings", "Prints every mistake with its line. Exit code 2 if there is one."
        )
    )
    settings_file(
        command("reload", "have the running orchestrator take over the settings", reload_command.ABOUT)
    )
    rendering = command(
        "render",
        "make the FreeSWITCH files that follow from the settings",
        render_command.ABOUT,
    )
    settings_file(rendering)
    render_command.add_to(rendering)
    config_command.add_to(
        command("config", "explain the settings", "Each key: what it means, what it may be, its default.")
    )
    callbacks_command.add_to(
        command("callbacks", "look at callbacks, and have given-up ones told again", ""), settings_file
    )
    rest.add_to(commands)
    settings_file(command("doctor", "find out what is wrong with a set-up", _DOCTOR))
    command("example", "print commented settings that work as they are", "Redirect them into a file.")
    demo = command("demo", "show a conference without any telephony", "Nothing but this command is needed.")
    demo.add_argument(
        "--voice-url", metavar="URL", help="your own TeXML application instead of the built-in one"
    )
    demo.add_argument(
        "--calls", type=int, default=2, metavar="N", help="with --voice-url: how many calls (2)"
    )
    demo.add_argument(
        "--freeswitch", metavar="HOST[:PORT]", help="a real FreeSWITCH instead of the emulated one"
    )
    demo.add_argument(
        "--password", help="of its event socket (default: $FS_EVENT_SOCKET_PASSWORD, else ClueCon)"
    )
    demo.add_argument("--fast", action="store_true", help="with shorter pauses")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    settings = _load(arguments)
    logs.set_up(settings.logging.format, settings.logging.level)
    log = logs.get_logger(__name__)
    for advice in settings.advice():
        log.warning(advice)
    from orchestrator.app import run  # the whole service: the other commands start without it

    code: int = run(settings, arguments.config, take_over=arguments.take_over)
    return code


def _check(arguments: argparse.Namespace) -> int:
    settings = _load(arguments)
    console = Console(soft_wrap=True, highlight=False)
    sections = ("accounts", "applications", "numbers", "profiles", "trunks")
    counts = ", ".join(f"{section} {len(getattr(settings, section))}" for section in sections)
    console.print(Text("ok", style="green"), f"{arguments.config}: {counts}", markup=False)
    for advice in settings.advice():
        console.print(Text("note", style="yellow"), advice, markup=False)
    return EXIT_OK


def _render(arguments: argparse.Namespace) -> int:
    return render_command.run(arguments, lambda: _load(arguments))


def _reload(arguments: argparse.Namespace) -> int:
    return reload_command.run(arguments.config, _load(arguments))


def _callbacks(arguments: argparse.Namespace) -> int:
    return callbacks_command.run(arguments, _load(arguments).callbacks.database)


def _doctor(arguments: argparse.Namespace) -> int:
    settings = _load(arguments)
    from orchestrator.doctor.command import run  # it brings most of the service along

    # What a check finds is in its line; the connection's own words would come between.
    logs.set_up("human", "error")
    return run(settings)


def _example(arguments: argparse.Namespace) -> int:
    sys.stdout.write(example())
    return EXIT_OK


def _demo(arguments: argparse.Namespace) -> int:
    from orchestrator.demo import main as demo  # it brings the emulator along

    return demo(
        voice_url=arguments.voice_url,
        freeswitch=arguments.freeswitch,
        fast=arguments.fast,
        calls=arguments.calls,
        password=arguments.password,
    )


_COMMANDS = {
    "run": _run,
    "check": _check,
    "reload": _reload,
    "render": _render,
    "config": config_command.run,
    "callbacks": _callbacks,
    "doctor": _doctor,
    **dict.fromkeys(rest.NOUNS, rest.run),
    "example": _example,
    "demo": _demo,
}


def example() -> str:
    """The commented example settings."""
    return resources.files("orchestrator.config").joinpath("example.yaml").read_text(encoding="utf-8")


def _load(arguments: argparse.Namespace) -> Settings:
    return load(arguments.config)


def _print_errors(errors: ConfigErrors) -> None:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    for error in errors.errors:
        place = f"{error.file}:{error.line}:" if error.line else f"{error.file}:"
        line = Text(place, style="bold")
        line.append(f" {error.path}:" if error.path else "", style="cyan")
        line.append(f" {error.message}", style="red")
        line.append(f" ({error.hint})" if error.hint else "")
        console.print(line)
    count = len(errors.errors)
    console.print(f"{count} mistake{'' if count == 1 else 's'}", markup=False)
