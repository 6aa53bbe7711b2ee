"""`orchestrator render`: into a new configuration, one of ours, or one that was there before us."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cli.options import PATH, Exclusive, settings_file
from orchestrator.config import Settings, load
from orchestrator.config.freeswitch import Node
from orchestrator.fsconfig import existing
from orchestrator.fsconfig.base_files import base_files
from orchestrator.fsconfig.existing import Change, NotUnderstood
from orchestrator.fsconfig.render import render as rendered
from orchestrator.fsconfig.render import write, write_whole


@click.command()
@settings_file
@click.option(
    "--into",
    type=PATH,
    metavar="DIR",
    help="Write them below DIR, e.g. freeswitch-conf (default: print them, with their passwords).",
)
@click.option(
    "--node",
    metavar="NAME",
    default="",
    help="Of several FreeSWITCH nodes the one that the files are for (default: the first).",
)
@click.option("--diff", is_flag=True, help="Show what would change below DIR, and stop.")
@click.option(
    "--whole",
    is_flag=True,
    cls=Exclusive,
    excludes=("--undo",),
    help="Write the other files of DIR too as this version has them, over changes of yours.",
)
@click.option(
    "--yes",
    is_flag=True,
    cls=Exclusive,
    excludes=("--diff",),
    help="Do not ask before changing your configuration.",
)
@click.option("--undo", is_flag=True, help="Take out again of your configuration what was added.")
@click.option(
    "--conf-dirs",
    is_flag=True,
    cls=Exclusive,
    excludes=("--into", "--node", "--diff", "--whole", "--yes", "--undo"),
    help="Make the conf_dir of each FreeSWITCH node in the settings its whole configuration: "
    "other files in it are deleted.",
)
def render(
    config: Path,
    into: Path | None,
    node: str,
    diff: bool,
    whole: bool,
    yes: bool,
    undo: bool,
    conf_dirs: bool,
) -> None:
    """Make the FreeSWITCH files that follow from the settings.

    Conference profiles, gateways and callers. Reload them without dropping a call: fs_cli -x reloadxml; for
    a new gateway also: fs_cli -x 'sofia profile texml rescan'

    DIR is a new directory, which gets a whole configuration for FreeSWITCH (freeswitch -conf DIR), or one
    that was made so, or the configuration of a FreeSWITCH that you have, laid out as the vanilla one (e.g.
    /etc/freeswitch). To that our context, SIP profile (port 5070), conference profiles and the modules that
    are missing are added: it shows the difference and asks first. The numbers of the settings are then led
    from the contexts public and default to ours. FreeSWITCH takes modules and the SIP profile over when it
    starts.
    """
    if conf_dirs:
        return _conf_dirs(load(config))
    if into is None:
        if undo or diff or yes or whole:
            raise click.UsageError("--diff, --whole, --yes and --undo need --into DIR")
        settings = load(config)
        for name, content in rendered(settings, _node(settings, node)).items():
            click.echo(f"<!-- {name} -->\n{content}")
        return
    try:
        if undo:
            return _offer(existing.take_away(into), into, diff, yes)
        settings = load(config)
        if existing.is_existing(into):
            return _offer(existing.add(settings, _node(settings, node), into), into, diff, yes)
        _our_own(settings, _node(settings, node), into, diff, whole)
    except NotUnderstood as error:
        raise click.ClickException(f"nothing was changed:\n{error}") from None
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"nothing was changed: a file in {into} is no UTF-8 text: {error}"
        ) from None


def _conf_dirs(settings: Settings) -> None:
    nodes = [(node, node.conf_dir) for node in settings.freeswitch.nodes if node.conf_dir is not None]
    if not nodes:
        raise click.ClickException("no node in the settings has a conf_dir")
    for node, directory in nodes:
        if existing.is_existing(directory):
            raise click.ClickException(f"{directory} is a configuration of its own: use --into")
        other = next((path for path in directory.rglob("*") if path.is_file() and not _is_xml(path)), None)
        if other is not None:
            raise click.ClickException(f"{other} is none of FreeSWITCH's: give {node.name} another conf_dir")
        try:
            write_whole(settings, node, directory)
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}") from None
        click.echo(f"wrote {directory}, for node {node.name}")


def _is_xml(path: Path) -> bool:
    """Also one that was being written."""
    return path.name.removesuffix(".new").endswith(".xml")


def _node(settings: Settings, name: str) -> Node:
    nodes = settings.freeswitch.nodes
    found = settings.freeswitch.node(name) if name else nodes[0]
    if found is None:
        names = ", ".join(node.name for node in nodes)
        raise click.BadParameter(
            f"there is no node {name} in the settings, only {names}", param_hint="--node"
        )
    return found


def _our_own(settings: Settings, node: Node, directory: Path, diff: bool, whole: bool) -> None:
    files = rendered(settings, node)
    base = base_files() | files
    old = {name: _text(directory / name) for name in base}
    new = all(text is None for text in old.values())
    if new and directory.exists() and any(directory.iterdir()):
        raise click.ClickException(f"{directory} has other files in it: name a new directory")
    chosen = base if new or whole else files
    if diff:
        changes = [Change(name, old[name], text) for name, text in chosen.items() if old[name] != text]
        click.echo(existing.show(changes), nl=False)
        return
    for path in write(chosen, directory):
        click.echo(path)
    differing = [name for name in base if name not in chosen and old[name] != base[name]]
    if differing:
        click.echo(
            f"not as in this version, by a change of yours or because an earlier version wrote it: "
            f"{', '.join(differing)}; --whole --diff shows how, --whole writes this version's",
            err=True,
        )


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _offer(changes: list[Change], directory: Path, diff: bool, yes: bool) -> None:
    if not changes:
        click.echo(f"{directory}: nothing to change")
        return
    click.echo(existing.show(changes), nl=False)
    if diff:
        return
    if not yes and not (sys.stdin.isatty() and click.confirm(f"Change {directory} like this?")):
        raise click.ClickException("nothing was changed: say yes, or --yes")
    existing.carry_out(changes, directory)
    for name, _, after in changes:
        click.echo(f"{'took away' if after is None else 'wrote'} {directory / name}")
