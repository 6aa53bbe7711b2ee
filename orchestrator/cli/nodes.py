"""`orchestrator nodes`: the FreeSWITCH nodes of the orchestrator that runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestrator.cli.options import settings_file
from orchestrator.config import load

if TYPE_CHECKING:
    from orchestrator.reloading.control_socket import NodesCommand

SECONDS = 10.0


@click.group()
def nodes() -> None:
    """FreeSWITCH nodes: list them, and take one out of service without a call dropped."""


@nodes.command("list")
@settings_file
def list_nodes(config: Path) -> None:
    """Each with its state and what is on it.

    draining: no new conference is opened on it; drained: nothing is left on it, it can be stopped.
    """
    _carry_out(config, "list", "")


@nodes.command()
@click.argument("name")
@settings_file
def drain(config: Path, name: str) -> None:
    """Open no new conference on the node NAME; those that it has go on to their ends.

    Calls that still come to it are served, and bridged to conferences on other nodes: take it out of your
    carrier's list or proxy too. It stays so over restarts, until undrain.
    """
    _carry_out(config, "drain", name)


@nodes.command()
@click.argument("name")
@settings_file
def undrain(config: Path, name: str) -> None:
    """Open new conferences on the node NAME again."""
    _carry_out(config, "undrain", name)


def _carry_out(config: Path, command: NodesCommand, name: str) -> None:
    from orchestrator.reloading.control_socket import request_nodes

    database = load(config).callbacks.database
    try:
        answer = request_nodes(database, config, command, name, SECONDS)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"none runs on {database}: {error}") from None
    if answer.problems:
        raise click.ClickException("; ".join(answer.problems))
    table = Table(box=None, pad_edge=False)
    for title in ("node", "event socket", "state", "conferences", "participants", "calls", "problem"):
        table.add_column(title)
    for one in answer.nodes:
        counts = (str(one.rooms), str(one.participants), str(one.calls))
        table.add_row(one.name, one.address, one.state, *counts, escape(one.problem))
    Console(soft_wrap=True).print(table)
