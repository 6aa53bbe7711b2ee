"""`orchestrator demo`."""

from __future__ import annotations

import re

import click

from orchestrator.cli.options import Needs

# A phone number, an extension or a SIP user: nothing that FreeSWITCH would read as syntax.
NUMBER = re.compile(r"[+\w*#.-]{1,64}")
KEYS = re.compile(r"[0-9A-D*#]{1,64}", re.IGNORECASE)


def numbers(context: click.Context, option: click.Parameter, value: str | tuple[str, ...] | None) -> object:
    """Raises BadParameter for one that is none."""
    for number in (value,) if isinstance(value, str) else value or ():
        if not NUMBER.fullmatch(number):
            raise click.BadParameter(f"{number!r} is no number: e.g. +13125550123, 1001 or anna")
    return value


def keys(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, ...]:
    """One entry for each <Gather>. Raises BadParameter."""
    entries = tuple(value.split(",")) if value else ()
    for entry in entries:
        if not KEYS.fullmatch(entry):
            raise click.BadParameter(f"{entry!r} are no keys: 0-9, A-D, * and #, e.g. 1,2#")
    return entries


@click.command()
@click.option("--voice-url", metavar="URL", help="Your own TeXML application instead of the built-in one.")
@click.option(
    "--calls",
    type=click.IntRange(1, 100),
    default=2,
    show_default=True,
    metavar="N",
    cls=Needs,
    needs="--voice-url",
    help="With --voice-url: how many calls.",
)
@click.option(
    "--from",
    "from_",
    multiple=True,
    metavar="NUMBER",
    callback=numbers,
    cls=Needs,
    needs="--voice-url",
    help="With --voice-url: the number that calls; again for the second call, and so on.",
)
@click.option(
    "--to",
    metavar="NUMBER",
    callback=numbers,
    cls=Needs,
    needs="--voice-url",
    help="With --voice-url: the number that is called.  [default: +13125550100]",
)
@click.option(
    "--press",
    metavar="KEYS",
    callback=keys,
    cls=Needs,
    needs="--voice-url",
    help="With --voice-url: keys of each caller, e.g. 1,2#: 1 at its first <Gather>, 2# at the second.",
)
@click.option(
    "--wait",
    type=click.FloatRange(0, 86400),
    metavar="SECONDS",
    cls=Needs,
    needs="--voice-url",
    help="With --voice-url: how long a caller stays in a conference before it hangs up.  [default: 8]",
)
@click.option(
    "--console", is_flag=True, help="Leave the console open until Ctrl-C; its address and key are printed."
)
@click.option("--freeswitch", metavar="HOST[:PORT]", help="A real FreeSWITCH instead of the emulated one.")
@click.option("--password", help="Of its event socket (default: $FS_EVENT_SOCKET_PASSWORD, else ClueCon).")
@click.option("--fast", is_flag=True, help="With shorter pauses.")
def demo(
    voice_url: str | None,
    calls: int,
    from_: tuple[str, ...],
    to: str | None,
    press: tuple[str, ...],
    wait: float | None,
    console: bool,
    freeswitch: str | None,
    password: str | None,
    fast: bool,
) -> int:
    """Show a conference without any telephony.

    Nothing but this command is needed. With --voice-url it calls an application of yours, shows each request,
    document and callback, and says at the end whether the application can be used, and what to change if it
    cannot.

    Exit codes: 0 all was as it should be, 1 something was not.
    """
    from orchestrator.demo import main  # it brings the emulator along

    return main(
        voice_url=voice_url,
        freeswitch=freeswitch,
        fast=fast,
        calls=calls,
        from_=from_,
        to=to,
        press=press,
        wait=wait,
        keep_open=console,
        password=password,
    )
