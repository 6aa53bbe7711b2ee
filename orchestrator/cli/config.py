"""`orchestrator config`: what can be set."""

from __future__ import annotations

import click

from orchestrator.config import explanation
from orchestrator.config.docs_page import page


@click.command()
@click.option(
    "--explain",
    is_flag=False,
    flag_value="",
    required=True,
    metavar="[KEY]",
    help="All keys, or one: profiles.rate, energy_level, callbacks.",
)
@click.option("--markdown", is_flag=True, help="All keys, as the page docs/settings.md.")
def config(explain: str, markdown: bool) -> None:
    """Explain the settings.

    Each key: what it means, what it may be, its default.
    """
    if markdown:
        click.echo(page(), nl=False)
        return
    found = explanation.about(explain) if explain else explanation.entries()
    if not found:
        near = explanation.near(explain)
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise click.UsageError(f"there is no key {explain}{hint}")
    click.echo("\n\n".join(str(entry) for entry in found))
