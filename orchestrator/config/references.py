"""Names that point at other parts of the file: completed where they may be left out, checked everywhere.

This works on the data before the schema does: a wrong reference is reported with all other mistakes.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator

from orchestrator.config.errors import ConfigError
from orchestrator.config.settings import DEFAULT_PROFILE, DEFAULT_REGION
from orchestrator.config.tree import Data, Path, Tree
from orchestrator.numbering.patterns import NotAPattern, inbound_key
from orchestrator.numbering.phone import REGIONS

_WITH_PATHS = ("freeswitch", "callbacks", "conference")
_TRUE = ("true", "t", "yes", "y", "on", "1")
"""As pydantic reads them."""
_NAMED = ("applications", "profiles", "trunks")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word: the nearest one, or all of them where there are few."""
    words = list(known)
    few = f"there is {', '.join(words)}" if len(words) <= 12 else ""
    return nearest(word, words) or (few if words else "there is none")


def nearest(word: str, known: list[str]) -> str:
    """A hint for a misspelt word, or nothing where no word is like it."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


def complete(tree: Tree) -> list[ConfigError]:
    """Fill in what follows: names of named things, the default profile, accounts and connection ids."""
    errors: list[ConfigError] = []
    for section in _WITH_PATHS:
        # A missing section must still be read by the schema, or its default paths would start at the working
        # directory and not at the file's.
        if tree.data.get(section) is None:
            tree.data[section] = {}
    if tree.section("freeswitch").get("nodes") is None and isinstance(tree.data["freeswitch"], dict):
        tree.data["freeswitch"]["nodes"] = [{}]
    if isinstance(tree.data.setdefault("profiles", {}), dict) or tree.data["profiles"] is None:
        tree.data["profiles"] = {DEFAULT_PROFILE: {}, **tree.section("profiles")}
    for section in _NAMED:
        for name, value in tree.section(section).items():
            if value is None:
                value = tree.section(section)[name] = {}
            if not isinstance(value, dict):
                continue
            if "name" in value:
                errors.append(
                    tree.error((section, name, "name"), "unknown key", f"the name is {name}, the key above")
                )
            value["name"] = name
    for name, application in tree.section("applications").items():
        if isinstance(application, dict):
            errors += _complete_account(tree, name, application)
            if application.get("connection_id") is None:
                # Digits as Telnyx's, and the same ones for the same application for ever.
                application["connection_id"] = str(int(hashlib.sha256(name.encode()).hexdigest()[:15], 16))
    return errors


def _complete_account(tree: Tree, name: str, application: dict[str, Data]) -> Iterator[ConfigError]:
    path: Path = ("applications", name, "account")
    found = tree.data.get("accounts")
    accounts = [account for account in found if isinstance(account, dict)] if isinstance(found, list) else []
    asked = application.get("account")
    if asked is None:
        if len(accounts) == 1:
            application["account"] = accounts[0].get("sid")
        elif accounts:
            yield tree.error(
                path, "is missing, and there are several accounts", "the name or sid of one of them"
            )
        # The schema would say once more, or less well, that it is missing.
        application["account"] = application.get("account") or ""
        return
    for account in accounts:
        if asked in (account.get("sid"), account.get("name")):
            application["account"] = account.get("sid") or ""
            return
    known = [str(account.get("name") or account.get("sid")) for account in accounts]
    yield tree.error(path, f"there is no account {asked}", did_you_mean(str(asked), known))


def check_references(tree: Tree) -> Iterator[ConfigError]:
    """Every name that points at nothing, and numbers that stand there twice in two spellings."""
    for path, word, target in _references(tree):
        known = tree.section(target)
        if word not in known:
            kind = target.removesuffix("s")
            yield tree.error(path, f"there is no {kind} {word}", did_you_mean(word, known))
    yield from _check_numbers(tree)
    yield from _check_cluster(tree)
    yield from _twice(tree, "sid")
    yield from _twice(tree, "name")


def _check_cluster(tree: Tree) -> Iterator[ConfigError]:
    cluster = tree.section("cluster")
    if str(cluster.get("standby")).lower() not in _TRUE:
        return
    if tree.section("callbacks").get("postgresql") is None:
        yield tree.error(
            ("cluster", "standby"), "needs a database that is shared", "set callbacks.postgresql"
        )
    host = str(tree.section("web").get("listen") or "").rpartition(":")[0]
    if host in ("0.0.0.0", "[::]", "") and tree.section("web").get("listen") and not cluster.get("url"):
        yield tree.error(
            ("cluster", "standby"),
            f"others cannot reach this web server as {host}",
            "set cluster.url, e.g. http://10.0.0.1:8080",
        )


def _check_numbers(tree: Tree) -> Iterator[ConfigError]:
    region = str(tree.data.get("default_region") or DEFAULT_REGION).upper()
    seen: dict[str, str] = {}
    for number in tree.section("numbers"):
        try:
            key = inbound_key(number, region if region in REGIONS else DEFAULT_REGION)
        except NotAPattern as error:
            yield tree.error(("numbers", number), str(error), error.remedy)
            continue
        first = seen.setdefault(key, number)
        if first != number:
            yield tree.error(("numbers", number), f"is the same number as {first}", "keep one of them")


def _references(tree: Tree) -> Iterator[tuple[Path, str, str]]:
    for section, target in (("numbers", "applications"), ("profile_patterns", "profiles")):
        for key, word in tree.section(section).items():
            if isinstance(word, str):
                yield (section, key), word, target
    for key, target in (("default_application", "applications"), ("default_trunk", "trunks")):
        word = tree.data.get(key)
        if isinstance(word, str):
            yield (key,), word, target
    for name, application in tree.section("applications").items():
        for key, target in (("profile", "profiles"), ("trunk", "trunks")):
            word = application.get(key) if isinstance(application, dict) else None
            if isinstance(word, str):
                yield ("applications", name, key), word, target


def _twice(tree: Tree, key: str) -> Iterator[ConfigError]:
    accounts = tree.data.get("accounts")
    seen: set[str] = set()
    for index, account in enumerate(accounts if isinstance(accounts, list) else []):
        value = account.get(key) if isinstance(account, dict) else None
        if isinstance(value, str) and value:
            if value.lower() in seen:
                yield tree.error(("accounts", index, key), f"another account has this {key} too")
            seen.add(value.lower())
