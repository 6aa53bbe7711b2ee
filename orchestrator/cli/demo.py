"""`orchestrator demo`."""

from __future__ import annotations

import click


@click.command()
@click.option("--voice-url", metavar="URL", help="Your own TeXML application instead of the built-in one.")
@click.option(
    "--calls", type=int, default=2, show_default=True, metavar="N", help="With --voice-url: how many calls."
)
@click.option("--freeswitch", metavar="HOST[:PORT]", help="A real FreeSWITCH instead of the emulated one.")
@click.option("--password", help="Of its event socket (default: $FS_EVENT_SOCKET_PASSWORD, else ClueCon).")
@click.option("--fast", is_flag=True, help="With shorter pauses.")
def demo(voice_url: str | None, calls: int, freeswitch: str | None, password: str | None, fast: bool) -> int:
    """Show a conference without any telephony.

    Nothing but this command is needed.
    """
    from orchestrator.demo import main  # it brings the emulator along

    return main(voice_url=voice_url, freeswitch=freeswitch, fast=fast, calls=calls, password=password)
