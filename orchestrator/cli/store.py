"""`orchestrator store`: the database that the orchestrator keeps what happens in."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def store() -> None:
    """The database with waiting callbacks, the state of calls, and history."""


@store.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy_store(source: str, target: str) -> None:
    """Copy all of the store FROM into the empty store TO.

    Each is a file (SQLite) or a postgresql:// URL, whose password can be in ~/.pgpass. No orchestrator may be
    using either. FROM stays as it is; the copy is the same installation: run one of the two.
    """
    from orchestrator.store.access.copying import copy
    from orchestrator.store.interface import OutboxError

    of, into = _place(source), _place(target)
    if isinstance(of, Path) and not of.exists():
        raise click.ClickException(f"{of} is not there")
    try:
        copy(of, into, lambda table, rows: click.echo(f"{table}: {rows}"))
    except OutboxError as error:
        raise click.ClickException(str(error)) from None


def _place(given: str) -> Path | str:
    return given if given.startswith(("postgresql://", "postgres://")) else Path(given)
