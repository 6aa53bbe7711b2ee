"""Mistakes in a settings file: each with its place and, where it can be known, what is right."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConfigError:
    """One fault. `line` counts from 1 and is 0 where there is no line (the file cannot be read)."""

    file: str
    line: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        where = f" {self.path}:" if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}:{where} {self.message}{hint}"


class ConfigErrors(Exception):
    """All the faults of one settings file, in the order of its lines."""

    def __init__(self, errors: list[ConfigError]) -> None:
        self.errors = sorted(errors, key=lambda error: (error.line, error.path))
        super().__init__("\n".join(str(error) for error in self.errors))
