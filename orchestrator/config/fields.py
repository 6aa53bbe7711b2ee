"""Types of settings that occur in several sections, and the base class of all sections."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo
from pydantic_core import PydanticCustomError

from orchestrator.numbering.phone import REGIONS
from orchestrator.types import Method

MAX_SECRET_BYTES = 64 * 1024


class Section(BaseModel):
    """A part of the settings: immutable, and an unknown key in it is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)


def setting_error(message: str, hint: str = "") -> PydanticCustomError:
    """A fault in words of ours; the hint says what would be right.

    pydantic fills braces in the text, so the texts travel as its context.
    """
    return PydanticCustomError("setting", "{text}", {"text": message, "hint": hint})


def _context(info: ValidationInfo) -> tuple[Mapping[str, str], Path]:
    given = info.context or {}
    return given.get("environ", os.environ), given.get("directory", Path.cwd())


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in value):
        raise setting_error("this is no http or https URL", "e.g. https://example.com/voice")
    return value


def _from_environment(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, Mapping):
        return value
    name = value.get("env")
    if set(value) != {"env"} or not isinstance(name, str) or not name:
        raise setting_error("a URL is a text, or {env: NAME}", "e.g. https://example.com/voice")
    return _variable(name, info)


def _variable(name: str, info: ValidationInfo) -> str:
    environ, _ = _context(info)
    if not environ.get(name):
        raise setting_error(f"the environment variable {name} is not set", f"export {name}=…")
    return environ[name]


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _secret(value: object, info: ValidationInfo) -> object:
    _, directory = _context(info)
    if not isinstance(value, Mapping):
        return value
    ways = {key: source for key, source in value.items() if key in ("env", "file")}
    if len(value) != 1 or not ways:
        raise setting_error(
            "a secret is a text, or {env: NAME}, or {file: PATH}", "give exactly one of env and file"
        )
    way, source = next(iter(ways.items()))
    if not isinstance(source, str) or not source:
        raise setting_error(f"{way} needs a name")
    if way == "env":
        return _variable(source, info)
    try:
        with (directory / source).open("rb") as file:
            content = file.read(MAX_SECRET_BYTES)
    except OSError as error:
        raise setting_error(
            f"the secret file {directory / source} cannot be read: {error.strerror}"
        ) from error
    # Editors and `echo` end a file with a newline, which is never part of the secret.
    text = content.decode("utf-8", "replace").strip()
    if not text:
        raise setting_error(f"the secret file {directory / source} is empty")
    return text


def _absolute(value: Path, info: ValidationInfo) -> Path:
    return (_context(info)[1] / value.expanduser()).resolve()


def _region(value: str) -> str:
    region = value.upper()
    if region not in REGIONS:
        raise setting_error("this is no country", "two letters (ISO 3166), e.g. US, DE or GB")
    return region


def _one_line(value: SecretStr) -> SecretStr:
    # Into a command of the event socket, an XML attribute, a header: nothing there could hold it.
    if not value.get_secret_value().isprintable():
        raise setting_error("a secret is one line of printable characters")
    return value


MethodSetting = Annotated[Method, BeforeValidator(_upper)]
Url = Annotated[str, BeforeValidator(_from_environment), AfterValidator(_http_url)]
Secret = Annotated[SecretStr, BeforeValidator(_secret), AfterValidator(_one_line)]
# Relative to the directory of the settings file.
FilePath = Annotated[Path, AfterValidator(_absolute)]
# Names go into FreeSWITCH's command syntax (`name@profile+flags`, `sofia/gateway/NAME/…`).
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
# Whose national numbers are read.
Region = Annotated[str, AfterValidator(_region)]
Seconds = Annotated[float, Field(gt=0, le=86400)]
