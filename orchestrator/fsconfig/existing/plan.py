"""The changes, shown and then made; a manifest in the directory remembers what is ours."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from orchestrator.config import Settings
from orchestrator.config.freeswitch import Node
from orchestrator.fsconfig.existing.layout import NotUnderstood, check, read
from orchestrator.fsconfig.existing.parts import added_files, blocks, with_blocks, without_blocks

MANIFEST: Final = "texml-manifest.json"
_SECRET: Final = re.compile(r'(name="password" value=")[^"]*')


class Change(NamedTuple):
    path: str
    """Below the directory."""
    before: str | None
    after: str | None
    """None: no such file."""


class Manifest(NamedTuple):
    added: dict[str, str]
    """Path -> SHA-256 of what we wrote."""
    edited: tuple[str, ...] = ()


def add(settings: Settings, node: Node, directory: Path) -> list[Change]:
    """The changes that make the directory fit the settings; empty when it does. Raises NotUnderstood and
    OSError."""
    manifest = _manifest(directory) or Manifest({})
    check(directory, frozenset(manifest.added))
    files, parts = added_files(settings, node, directory), blocks(settings, directory)
    foreign = [name for name in files if name not in manifest.added and (directory / name).exists()]
    if foreign:
        raise NotUnderstood(directory, [f"{name} is there already, and is not ours" for name in foreign])
    gone = [name for name in manifest.added if name not in files]
    changes = [*_removals(directory, manifest, gone)]
    changes += [Change(name, _read(directory / name), content) for name, content in files.items()]
    for name, found in parts.items():
        text = read(directory / name)
        changes.append(Change(name, text, with_blocks(text, found)))
    edited = tuple(name for name, found in parts.items() if any(block.lines for block in found))
    written = Manifest({name: _digest(content) for name, content in files.items()}, edited)
    # First of all: whatever happens to the rest, it is known to be ours.
    changes.insert(0, Change(MANIFEST, _read(directory / MANIFEST), _text(written)))
    return [change for change in changes if change.before != change.after]


def take_away(directory: Path) -> list[Change]:
    """The changes that remove our part. Raises NotUnderstood where nothing of ours is, or it was changed."""
    manifest = _manifest(directory)
    if manifest is None:
        raise NotUnderstood(directory, [f"there is no {MANIFEST}: nothing of ours is in there"])
    changes = [*_removals(directory, manifest, manifest.added)]
    for name in manifest.edited:
        text = _read(directory / name)
        changes.append(Change(name, text, None if text is None else without_blocks(text)))
    changes.append(Change(MANIFEST, _read(directory / MANIFEST), None))
    return [change for change in changes if change.before != change.after]


def show(changes: Iterable[Change]) -> str:
    """A unified diff, passwords blotted out."""
    return "".join(line for change in changes if change.path != MANIFEST for line in _diff(change))


def carry_out(changes: Iterable[Change], directory: Path) -> None:
    """Each file whole or not at all. Raises OSError."""
    for name, _, after in changes:
        path = directory / name
        if after is None:
            path.unlink(missing_ok=True)
            if path.parent.name == "texml" and not any(path.parent.iterdir()):
                path.parent.rmdir()
        else:
            _write(path.resolve(), after, directory)


def _diff(change: Change) -> Iterator[str]:
    old, new = (_SECRET.sub(r"\1***", text or "").splitlines(keepends=True) for text in change[1:])
    before = "/dev/null" if change.before is None else f"a/{change.path}"
    after = "/dev/null" if change.after is None else f"b/{change.path}"
    for line in difflib.unified_diff(old, new, before, after):
        yield line if line.endswith("\n") else f"{line}\n"


def _removals(directory: Path, manifest: Manifest, names: Iterable[str]) -> Iterator[Change]:
    changed = []
    for name in names:
        text = _read(directory / name)
        if text is not None and _digest(text) != manifest.added[name]:
            changed.append(f"{name} was changed by hand: move it away, then try again")
        yield Change(name, text, None)
    if changed:
        raise NotUnderstood(directory, changed)


def _write(path: Path, text: str, directory: Path) -> None:
    like = path.stat() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    # FreeSWITCH may read the directory at any moment (reloadxml), and a gateway's file holds a password.
    draft = path.with_name(f".{path.name}.new")
    draft.touch(mode=0o640)
    if os.geteuid() == 0:
        # FreeSWITCH rarely is root, and has to read it.
        owner = like or directory.stat()
        os.chown(draft, owner.st_uid, owner.st_gid)
        if like is None and path.parent != directory:
            os.chown(path.parent, owner.st_uid, owner.st_gid)
    draft.chmod(like.st_mode & 0o777 if like else 0o640)
    draft.write_bytes(text.encode("utf-8"))
    draft.replace(path)


def _read(path: Path) -> str | None:
    return read(path) if path.exists() else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _text(manifest: Manifest) -> str:
    about = "Added here by `orchestrator render`; `orchestrator render --undo` reads it."
    content = {"about": about, "added": manifest.added, "edited": list(manifest.edited)}
    return json.dumps(content, indent=2) + "\n"


def _manifest(directory: Path) -> Manifest | None:
    text = _read(directory / MANIFEST)
    if text is None:
        return None
    try:
        found = json.loads(text)
        manifest = Manifest(dict(found["added"]), tuple(found["edited"]))
        if any(
            Path(name).is_absolute() or ".." in Path(name).parts
            for name in (*manifest.added, *manifest.edited)
        ):
            raise ValueError("a path that leads out of the directory")
    except (ValueError, KeyError, TypeError) as error:
        raise NotUnderstood(directory, [f"{MANIFEST} is damaged: {error}"]) from error
    return manifest
