"""Common parts of the commands that use the REST API: `orchestrator conferences`, `calls` and the like."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TextIO, TypeVar

import click

from orchestrator.cli import names
from orchestrator.cli.access import ABOUT, OPTIONS, Unusable, access
from orchestrator.cli.client import Client, RequestFailed
from orchestrator.cli.options import COUNT, Exclusive
from orchestrator.cli.tables import Output, plain

Command = TypeVar("Command", bound=Callable[..., Any])


class Api(NamedTuple):
    """The object that click.pass_obj gives to a command below an ApiGroup."""

    client: Client
    output: Output

    # As names.py has it: each raises RequestFailed.

    def conference(self, given: str) -> str:
        return names.conference(self.client, given)

    def call(self, given: str) -> str:
        return names.call(self.client, given)

    def participant(self, conference_sid: str, given: str) -> str:
        return names.participant(self.client, conference_sid, given)

    def recording(self, given: str, *, newest: bool) -> str:
        return names.recording(self.client, given, newest=newest)


class _AboutAccess(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(ABOUT)


class ApiCommand(_AboutAccess):
    """A command with the options that say where the orchestrator is and who asks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shape = click.Option(
            ["--json"], is_flag=True, help="One JSON object a line, as the API has it, not a table."
        )
        self.params += [*OPTIONS, shape]

    def invoke(self, ctx: click.Context) -> Any:
        where = {name: ctx.params.pop(name) for name in ("config", "url", "key", "account")}
        ctx.obj = self.source(ctx, where, Output(ctx.params.pop("json")))
        return super().invoke(ctx)

    def source(self, ctx: click.Context, where: dict[str, Any], output: Output) -> Any:
        """The command's object. Raises Unusable, ConfigErrors."""
        return Api(Client(access(**where)), output)


class ApiGroup(_AboutAccess, click.Group):
    command_class = ApiCommand


def all_of(*parameters: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options and arguments as one decorator, in their order."""

    def decorate(command: Command) -> Command:
        for parameter in reversed(parameters):
            command = parameter(command)
        return command

    return decorate


limit = click.option(
    "--limit", type=COUNT, default=50, show_default=True, metavar="N", help="At most so many, 0: all."
)
# Options of these commands are called as the API's parameters.
method = click.option(
    "--method",
    "AnnounceMethod",
    type=click.Choice(("GET", "POST")),
    help="How the URL is asked for (default: POST).",
)
dialling = all_of(
    click.argument("to"),
    click.option("--from", "From", required=True, metavar="NUMBER", help="The number that calls."),
    click.option("--application", "ApplicationSid", metavar="ID", help="connection_id of the application."),
    click.option("--timeout", "Timeout", metavar="SECONDS", help="To ring (default: 30)."),
    click.option(
        "--set",
        "more",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any other parameter of the API, e.g. StatusCallback=http://… (again for the next).",
    ),
)
instructions = all_of(
    click.option("--instructions", "Url", metavar="URL", help="Where its TeXML document is."),
    click.option(
        "--texml",
        type=click.File(encoding="utf-8"),
        metavar="FILE",
        cls=Exclusive,
        excludes=("--instructions",),
        help="The document itself, - for standard input.",
    ),
)


def text(file: TextIO | None) -> str | None:
    """The content of a file that an option names. Raises Unusable."""
    try:
        return file.read() if file else None
    except UnicodeDecodeError as error:
        raise Unusable(f"{file and file.name} cannot be read: {error}") from None


def parameters(given: Sequence[str], known: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE each. The API passes over what it does not know; a person wants to hear of it. Raises
    UsageError."""
    names = list(known)
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or name not in names:
            close = difflib.get_close_matches(name, names, 1, 0.5)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
            raise Unusable(f"--set {each}: this is no NAME=VALUE with a parameter's name: {hint}")
        found[name] = value
    return found


def for_each(given: Sequence[str], act: Callable[[str], None]) -> int:
    """The exit code: 1 if one could not; it keeps none of the others from it."""
    code = 0
    for one in given:
        try:
            act(one)
        except RequestFailed as refused:
            code = refused.exit_code
            click.echo(f"orchestrator: {plain(one)}: {plain(str(refused))}", err=True)
    return code
