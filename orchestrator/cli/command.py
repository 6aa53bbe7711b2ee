"""The command `orchestrator`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import click
from click.shell_completion import get_completion_class
from rich.console import Console
from rich.text import Text

from orchestrator import __version__, logs
from orchestrator.cli.callbacks import callbacks
from orchestrator.cli.calls import calls
from orchestrator.cli.conferences import conferences
from orchestrator.cli.config import config
from orchestrator.cli.demo import demo
from orchestrator.cli.doctor import doctor
from orchestrator.cli.nodes import nodes
from orchestrator.cli.options import settings_file
from orchestrator.cli.participants import participants
from orchestrator.cli.recordings import recordings
from orchestrator.cli.reload import reload
from orchestrator.cli.render import render
from orchestrator.cli.store import store
from orchestrator.cli.tables import plain
from orchestrator.config import ConfigErrors, load

NAME = "orchestrator"
EXIT_SETTINGS, EXIT_INTERRUPTED = 2, 130


@click.group(
    no_args_is_help=False,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def command() -> None:
    """TeXML conferences on your own FreeSWITCH.

    FreeSWITCH parks a call, the orchestrator fetches the TeXML of its number and runs it: <Dial><Conference>
    becomes a FreeSWITCH conference, what happens in it becomes callbacks.

    \b
    First steps:
      orchestrator demo                          a conference without any telephony, to look around
      orchestrator example > orchestrator.yaml   commented settings, every key explained
      orchestrator config --explain KEY          what one of them means, and what it may be
      orchestrator check -c orchestrator.yaml    all mistakes in them, each with its line
      orchestrator render -c orchestrator.yaml --into freeswitch-conf
      orchestrator run -c orchestrator.yaml
      orchestrator doctor -c orchestrator.yaml   what is still wrong with all of it, and what to do about it
      orchestrator reload -c orchestrator.yaml   changed settings, while calls go on

    \b
    While it runs:
      orchestrator conferences list
      orchestrator participants mute "Room 1234" anna
      orchestrator callbacks list
      orchestrator completion bash               what completes all this with the Tab key

    Exit codes: 0 all is well, 1 it failed, 2 the settings or the command line are wrong, 3 nobody answers.
    """


@command.command()
@settings_file
@click.option(
    "--take-over",
    is_flag=True,
    help="Take FreeSWITCH from another orchestrator that runs on it, which then does nothing any more.",
)
def run(config: Path, take_over: bool) -> int:
    """Take calls.

    Runs until SIGTERM or SIGINT; calls and rooms in FreeSWITCH outlive it.
    """
    settings = load(config)
    logs.set_up(settings.logging.format, settings.logging.level)
    log = logs.get_logger(__name__)
    for advice in settings.advice():
        log.warning(advice)
    from orchestrator.app import run  # the whole service: the other commands start without it

    return run(settings, config, take_over=take_over)


@command.command()
@settings_file
def check(config: Path) -> None:
    """Check the settings.

    Prints every mistake with its line. Exit code 2 if there is one.
    """
    settings = load(config)
    console = Console(soft_wrap=True, highlight=False)
    sections = ("accounts", "applications", "numbers", "profiles", "trunks")
    counts = ", ".join(f"{section} {len(getattr(settings, section))}" for section in sections)
    console.print(Text("ok", style="green"), f"{config}: {counts}", markup=False)
    for advice in settings.advice():
        console.print(Text("note", style="yellow"), advice, markup=False)


@command.command("example")
def print_example() -> None:
    """Print commented settings that work as they are.

    Redirect them into a file.
    """
    click.echo(example(), nl=False)


@command.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> None:
    """Print what completes this command in a shell.

    \b
    bash: orchestrator completion bash > ~/.local/share/bash-completion/completions/orchestrator
    zsh:  orchestrator completion zsh > "${fpath[1]}/_orchestrator"
    fish: orchestrator completion fish > ~/.config/fish/completions/orchestrator.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(command, {}, NAME, "_ORCHESTRATOR_COMPLETE").source())


for each in (
    reload,
    render,
    config,
    nodes,
    callbacks,
    conferences,
    participants,
    calls,
    recordings,
    store,
    doctor,
    demo,
):
    command.add_command(each)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    try:
        words = None if argv is None else list(argv)
        return command.main(words, prog_name=NAME, standalone_mode=False) or 0
    except ConfigErrors as errors:
        _print_errors(errors)
        return EXIT_SETTINGS
    except click.UsageError as error:
        asked = error.ctx.command_path if error.ctx else NAME
        _complain(f"{error.format_message()} See `{asked} --help`.")
        return error.exit_code
    except click.ClickException as error:
        _complain(error.format_message())
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED


def _complain(text: str) -> None:
    lines = f"{NAME}: {text}".splitlines()
    click.echo("\n".join(plain(line) for line in lines), err=True)


def example() -> str:
    """The commented example settings."""
    return resources.files("orchestrator.config").joinpath("example.yaml").read_text(encoding="utf-8")


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
