"""A key that no section has is refused by its name, wherever it stands: a misspelt setting is no setting."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from orchestrator.config import ConfigErrors, loads
from orchestrator.config.settings import Settings

STRANGE = "no_such_key"
SID = "cb6cfbbc-eb00-41af-a3f3-0d7b32009e4b"


def sections(kind: Any) -> Iterator[tuple[str, Any]]:
    """Where a value of this type has sections: a path, and a value with the strange key there."""
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield "", {STRANGE: 1}
        for name, field in kind.model_fields.items():
            for path, value in sections(field.annotation):
                key = field.alias or name
                yield f"{key}{'.' if path else ''}{path}", {key: value}
    elif origin is dict:
        for path, value in sections(get_args(kind)[1]):
            yield f"one{'.' if path else ''}{path}", {"one": value}
    elif origin in (tuple, list):
        for path, value in sections(get_args(kind)[0]):
            yield f"[0]{'.' if path else ''}{path}", [value]
    elif origin in (Union, types.UnionType):
        for each in get_args(kind):
            yield from sections(each)


PLACES = dict(sections(Settings))


def test_every_kind_of_section_is_tried() -> None:
    def models(kind: Any) -> set[type]:
        found = {kind} if isinstance(kind, type) and issubclass(kind, BaseModel) else set()
        inner = [field.annotation for model in found for field in model.model_fields.values()]
        return found.union(*map(models, (*inner, *get_args(kind))))

    assert len(PLACES) >= len(models(Settings)) >= 20


@pytest.mark.parametrize("place", PLACES)
def test_an_unknown_key_is_refused_where_it_stands(place: str) -> None:
    settings = PLACES[place]
    if "accounts" not in settings:
        settings = {"accounts": [{"sid": SID}], **settings}
    with pytest.raises(ConfigErrors) as caught:
        loads(yaml.safe_dump(settings), environ={})
    named = [str(error) for error in caught.value.errors if STRANGE in str(error)]
    assert len(named) == 1, caught.value
    where = place.replace(".[0]", "[0]")
    assert (f"{where}.{STRANGE}" if where else STRANGE) in named[0]
