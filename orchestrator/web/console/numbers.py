"""Numbers of an account and the applications that they lead to, as the settings say: to read, not to change.

Users, passwords and queries of URLs are not in it, nor what belongs to another account.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.config.applications import Application
from orchestrator.config.settings import Settings
from orchestrator.net.logged_url import for_log
from orchestrator.numbering.phone import MAX_EXTENSION_DIGITS
from orchestrator.web.console.view import View


def numbers(settings: Settings, account_sid: str) -> View:
    own = {name: one for name, one in settings.applications.items() if one.account == account_sid}
    rows = [
        {"number": _number(key), "pattern": "*" in key or "?" in key, "application": name}
        for key, name in settings.numbers.items()
        if name in own
    ]
    default = settings.default_application
    if default in own:
        rows.append({"number": "", "pattern": True, "application": default})
    return {
        "numbers": rows,
        "applications": [_application(settings, one) for one in own.values()],
        "trunks": [_trunk(settings, name) for name in _trunks(settings, own.values())],
    }


def _number(key: str) -> str:
    """As it is in a call: the settings keep it without its plus."""
    return f"+{key}" if key.isdigit() and len(key) > MAX_EXTENSION_DIGITS else key


def _application(settings: Settings, application: Application) -> View:
    dialect = settings.dialect(application)
    trunk = settings.trunk_for(application)
    return {
        "name": application.name,
        "connection": application.connection_id,
        "voice": [application.voice_method, for_log(application.voice_url)],
        "fallback": _place(application.voice_fallback_method, application.voice_fallback_url),
        "status": _place(application.status_callback_method, application.status_callback),
        "profile": application.profile or "",
        "trunk": trunk.name if trunk is not None else "",
        "region": application.default_region or settings.default_region,
        "signatures": dialect.signatures,
        "fields": dialect.request_fields,
    }


def _place(method: str, url: str | None) -> list[str] | None:
    return [method, for_log(url)] if url else None


def _trunks(settings: Settings, applications: Iterable[Application]) -> list[str]:
    found = [settings.trunk_for(one) for one in applications]
    return list(dict.fromkeys(trunk.name for trunk in found if trunk is not None))


def _trunk(settings: Settings, name: str) -> View:
    trunk = settings.trunks[name]
    return {
        "name": name,
        "addresses": [str(network) for network in trunk.networks],
        "destinations": list(trunk.destinations),
        "registers": trunk.register_,
    }
