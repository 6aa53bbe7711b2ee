"""Where the API is and who asks: from options, environment variables or the settings file."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import click

from orchestrator.cli.options import PATH
from orchestrator.config import Settings, load
from orchestrator.config.applications import Account

URL, KEY, ACCOUNT = "ORCHESTRATOR_URL", "ORCHESTRATOR_API_KEY", "ORCHESTRATOR_ACCOUNT"
DEFAULT_FILE = Path("orchestrator.yaml")
ABOUT = f"""
Base URL, API key and account, each found on its own: the option, else the environment variable,
else the settings file, for which -c's default is {DEFAULT_FILE} if there is one:
  --url      {URL:22}web.listen
  --key      {KEY:22}the account's first api_keys
  --account  {ACCOUNT:22}the key's account, or the only one

CONFERENCE   its name, ConferenceSid, or the label or number of somebody in it
PARTICIPANT  its label, number or CallSid
CALL         number of the caller or the called, label as a participant, or CallSid
RECORDING    its RecordingSid, or the CONFERENCE or CALL that it is of
Of several that fit, the one that goes on is meant, else the newest.

Exit codes: 0 done, 1 refused or not there, 2 the command line or the settings are wrong, 3 no answer.
"""
OPTIONS: tuple[click.Option, ...] = (
    click.Option(["-c", "--config"], type=PATH, metavar="FILE", help="Settings of the orchestrator."),
    click.Option(["--url"], envvar=URL, help="Its base URL, e.g. http://127.0.0.1:8080"),
    click.Option(
        ["--key"],
        envvar=KEY,
        help=f"An API key; ${KEY} is better, for other users of a machine see command lines.",
    ),
    click.Option(
        ["--account"],
        envvar=ACCOUNT,
        metavar="SID",
        help="AccountSid, or the name in the settings file.",
    ),
)


class Unusable(click.ClickException):
    """The base URL, key or account is missing; the text says which, and where to give it."""

    exit_code = 2


class Access(NamedTuple):
    base: str
    """Without a slash at its end."""
    key: str
    account: str


def access(config: Path | None, url: str | None, key: str | None, account: str | None) -> Access:
    """Of the values of OPTIONS. Raises Unusable, ConfigErrors."""
    base, key, account = url or "", key or "", account or ""
    settings = _settings(config, needed=not (base and key and account))
    if settings is not None:
        base = base or _local(settings)
        owner = _owner(settings, account, key)
        account = owner.sid if owner else account
        if not key and owner is not None:
            if not owner.api_keys:
                raise Unusable(f"account {owner.name or owner.sid} has no api_keys: add one to the settings")
            key = owner.api_keys[0].key.get_secret_value()
    for value, option, variable in (
        (base, "--url", URL),
        (key, "--key", KEY),
        (account, "--account", ACCOUNT),
    ):
        if not value:
            raise Unusable(f"{option} is missing: give it, or ${variable}, or the settings with -c FILE")
    if not key.isascii() or not key.isprintable():
        raise Unusable("the key has characters that no API key has")
    return Access(_checked(base), key, account)


def _settings(path: Path | None, needed: bool) -> Settings | None:
    if path is not None:
        return load(path)
    return load(DEFAULT_FILE) if needed and DEFAULT_FILE.exists() else None


def _owner(settings: Settings, account: str, key: str) -> Account | None:
    """The account in the settings that is meant."""
    if account:
        return next(
            (one for one in settings.accounts if account.lower() in (one.sid, one.name.lower())), None
        )
    if key and (owner := settings.account_by_key(key)):
        return owner
    if len(settings.accounts) == 1:
        return settings.accounts[0]
    names = ", ".join(one.name or one.sid for one in settings.accounts)
    raise Unusable(f"there are several accounts: --account or ${ACCOUNT} says which ({names})")


def _local(settings: Settings) -> str:
    """The settings are those of this machine: what is public may be somewhere else."""
    host, port = settings.web.host, settings.web.port
    if not port:
        raise Unusable(f"web.listen leaves the port to the system: --url or ${URL} has to say it")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://{address}:{port}" if address.version == 4 else f"http://[{address}]:{port}"


def _checked(base: str) -> str:
    try:
        parts = urlsplit(base)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Unusable(f"{base} is no base URL: e.g. http://127.0.0.1:8080")
    return base.rstrip("/")
