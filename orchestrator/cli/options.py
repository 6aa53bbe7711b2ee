"""Options and arguments that several commands have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)
COUNT = click.IntRange(min=0)

settings_file = click.option(
    "-c",
    "--config",
    type=PATH,
    default="orchestrator.yaml",
    show_default=True,
    metavar="FILE",
    help="Settings of the orchestrator.",
)


class Exclusive(click.Option):
    """An option beside which none of the `excludes` may stand: click has no groups of options."""

    def __init__(self, *args: Any, excludes: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._excludes = excludes

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        for option in ctx.command.params:
            if self.name in opts and option.name in opts and set(option.opts) & set(self._excludes):
                raise click.UsageError(f"{self.opts[0]} and {option.opts[0]} exclude each other.", ctx)
        return super().handle_parse_result(ctx, opts, args)


class Needs(click.Option):
    """An option that means nothing without another one."""

    def __init__(self, *args: Any, needs: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._needs = needs

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        named = {option.name for option in ctx.command.params if self._needs in option.opts}
        if self.name in opts and not named & set(opts):
            raise click.UsageError(f"{self.opts[0]} needs {self._needs}.", ctx)
        return super().handle_parse_result(ctx, opts, args)
