"""A settings file -> Settings, or all of its faults at once.

Values stay the text that stands in the file until the schema says what they are: YAML would read an unquoted
+13125550001 as a number without its plus, a password 0123 as 83, and a room `no` as false.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from orchestrator.config.errors import ConfigError, ConfigErrors
from orchestrator.config.references import check_references, complete
from orchestrator.config.schema import explain
from orchestrator.config.settings import Settings
from orchestrator.config.tree import read_tree, without_nulls


def load(path: Path | str, environ: Mapping[str, str] | None = None) -> Settings:
    """Read, check and complete a settings file. Raises ConfigErrors."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        hint = (
            "orchestrator example > orchestrator.yaml makes one"
            if isinstance(error, FileNotFoundError)
            else ""
        )
        raise ConfigErrors([ConfigError(str(path), 0, "", error.strerror or str(error), hint)]) from error
    except UnicodeDecodeError as error:
        raise ConfigErrors([ConfigError(str(path), 0, "", "this is no UTF-8 text")]) from error
    return loads(text, file=str(path), directory=path.resolve().parent, environ=environ)


def loads(
    text: str,
    *,
    file: str = "settings",
    directory: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """As load(), from a text; relative paths in it start at `directory`."""
    tree = read_tree(text, file)
    errors = [*tree.errors, *complete(tree), *check_references(tree)]
    context = {"environ": os.environ if environ is None else environ, "directory": directory or Path.cwd()}
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(without_nulls(tree.data), context=context)
    except ValidationError as error:
        errors += explain(error, tree)
    if errors or settings is None:
        raise ConfigErrors(errors)
    return settings
