"""Completion of names, labels and numbers in a shell: those that live, asked for over the API."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import click
import requests

from orchestrator.cli.access import access
from orchestrator.cli.client import Client, Resource
from orchestrator.config import ConfigErrors

SECONDS = 2.0
_MOST = 100


def conferences(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of conferences that live."""
    found = _listed(context, "conferences", "Conferences")
    return _fitting((one["friendly_name"] for one in found if one["status"] != "completed"), incomplete)


def participants(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Labels, else numbers, of those in the conference that stands before, by its name."""
    name, found = context.params.get("conference"), _listed(context, "participants", "Participants")
    named = {one["sid"]: one["friendly_name"] for one in _listed(context, "conferences", "Conferences")}
    inside = [one for one in found if name in (named.get(one["conference_sid"]), one["conference_sid"])]
    return _fitting((one["label"] or one["from"] for one in inside), incomplete)


def calls(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Numbers of callers, and labels, of calls that go on."""
    callers = [one["from"] for one in _listed(context, "calls", "Calls", Status="in-progress")]
    labels = [one["label"] for one in _listed(context, "participants", "Participants")]
    return _fitting((*callers, *labels), incomplete)


def _listed(context: click.Context, what: str, *path: str, **query: str) -> list[Resource]:
    """Nothing where no orchestrator answers: a shell shows no errors while a command is being typed."""
    where = {name: context.params.get(name) for name in ("config", "url", "key", "account")}
    try:
        client = Client(access(**where), seconds=SECONDS)
        return list(client.listed(what, *path, limit=_MOST, **query))
    except (click.ClickException, ConfigErrors, requests.RequestException):
        return []


def _fitting(names: Iterable[str | None], incomplete: str) -> list[str]:
    found = sorted({name for name in names if name and name.startswith(incomplete)})
    # bash inserts a word as it is, and click's script for it reads a backslash away; other shells quote.
    bash = os.environ.get("_ORCHESTRATOR_COMPLETE", "").startswith("bash")
    return [re.sub(r"([^\w+.:@/-])", r"\\\\\1", name) for name in found] if bash else found
