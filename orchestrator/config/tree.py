"""YAML text -> plain data with the line of every key and item. Every scalar stays text; null becomes None.

Ours, because pydantic's faults know no lines, and YAML's own guesses make 0123 a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from orchestrator.config.errors import ConfigError, ConfigErrors

Data: TypeAlias = "str | list[Data] | dict[str, Data] | None"
Path: TypeAlias = "tuple[str | int, ...]"

_CORE = "tag:yaml.org,2002:"
_NULL = _CORE + "null"
# The types in plain YAML; anything else was written there as a tag.
_PLAIN = {_CORE + kind for kind in ("null", "bool", "int", "float", "timestamp", "str", "seq", "map")}
MAX_DEPTH = 20
# Aliases of aliases make millions of a few lines.
MAX_PARTS = 20_000
# No XML, no HTTP header and no command of FreeSWITCH could hold these; YAML's "\x01" and "\ud800" make them.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def dotted(path: Path) -> str:
    """A path as people write it: accounts[0].sid."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass
class Tree:
    """The data of one file and where in the file each part of it stands."""

    file: str
    data: dict[str, Data] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest part around it that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, path: Path, message: str, hint: str = "", line: int | None = None) -> ConfigError:
        return ConfigError(self.file, line or self.line(path), dotted(path), message, hint)

    def section(self, name: str) -> dict[str, Data]:
        """A mapping at the top; empty where it is missing or something else (the schema reports that)."""
        found = self.data.get(name)
        return found if isinstance(found, dict) else {}


def read_tree(text: str, file: str) -> Tree:
    """Raises ConfigErrors where the text is no YAML at all; other faults are collected in the tree."""
    tree = Tree(file)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        hint = "indent with spaces" if "\\t" in message else ""
        raise ConfigErrors(
            [ConfigError(file, mark.line + 1 if mark else 0, "", f"no YAML: {message}", hint)]
        ) from error
    except yaml.YAMLError as error:
        raise ConfigErrors([ConfigError(file, 0, "", f"no YAML: {error}")]) from error
    except RecursionError as error:
        raise ConfigErrors([ConfigError(file, 0, "", "is nested too deep")]) from error
    if root is None:
        return tree
    if not isinstance(root, MappingNode):
        raise ConfigErrors(
            [ConfigError(file, 1, "", "the file is no mapping", "it starts with a line such as accounts:")]
        )
    data = _build(root, (), tree)
    if isinstance(data, dict):
        tree.data = data
    return tree


def _build(node: Node, path: Path, tree: Tree) -> Data:
    if len(tree.lines) > MAX_PARTS:
        raise ConfigErrors([tree.error(path[:1], f"the file has more than {MAX_PARTS} parts")])
    if len(path) > MAX_DEPTH:
        # An alias that contains itself ends here too.
        tree.errors.append(tree.error(path[:2], "is nested too deep"))
        return None
    if node.tag not in _PLAIN:
        tree.errors.append(tree.error(path, f"the tag {node.tag} means nothing here"))
    if isinstance(node, MappingNode):
        return _build_mapping(node, path, tree)
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            tree.lines[(*path, index)] = item.start_mark.line + 1
        return [_build(item, (*path, index), tree) for index, item in enumerate(node.value)]
    assert isinstance(node, ScalarNode)
    if _NOT_TEXT.search(node.value):
        tree.errors.append(tree.error(path, "has a character that no text has"))
        return None
    return None if node.tag == _NULL else str(node.value)


def _build_mapping(node: MappingNode, path: Path, tree: Tree) -> Data:
    found: dict[str, Data] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode):
            tree.errors.append(tree.error(path, "a key has to be a text", line=line))
            continue
        key = _NOT_TEXT.sub("\N{REPLACEMENT CHARACTER}", str(key_node.value))
        here = (*path, key)
        if key in found:
            message = f"stands here twice, first in line {tree.lines[here]}"
            tree.errors.append(tree.error(here, message, "keep one of them", line=line))
            continue
        tree.lines[here] = line
        found[key] = _build(value_node, here, tree)
    return found


def without_nulls(data: Data) -> Data:
    """A key without a value is a key that is not there: a section may have all its keys commented out."""
    if isinstance(data, dict):
        return {key: without_nulls(value) for key, value in data.items() if value is not None}
    if isinstance(data, list):
        return [without_nulls(item) for item in data]
    return data
