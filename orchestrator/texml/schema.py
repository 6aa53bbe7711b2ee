"""How a verb declares itself: `attribute`, `body` and `children` as the fields of its dataclass.

The tables behind the declarations are made once, at import; the walk only looks things up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound="Element")
_DECLARATION = "texml"
_EVENT = "Event"
Defaults = Mapping[str, Mapping[str, object]]
"""Element -> field -> value: what stands in place of the declared default."""
NO_DEFAULTS: Defaults = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A verb or a noun. `line` is the one of the document in which its start tag ends, 0 if made by hand."""

    line: int = field(default=0, compare=False)

    def fault(self) -> str:
        """Why the element, well written as it is, cannot be run; empty if it can."""
        return ""

    def without_effect(self) -> Mapping[str, str]:
        """Attribute -> why it has no effect beside what else the element has."""
        return {}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One row of a vendor's table. `ignored` says why the attribute has no effect, empty if it has one."""

    field: str
    convert: Callable[[str], object]
    default: object
    ignored: str
    name: str


@dataclass(frozen=True, slots=True)
class Body:
    """The text of an element: `own` leaves out its children's, `ssml` speaks them."""

    field: str
    convert: Callable[[str], object]
    required: bool
    kind: Literal["own", "ssml"]


@dataclass(frozen=True, slots=True)
class Children:
    """The elements allowed inside. `bare`: what text alone stands for; `alone`: what suffers no siblings."""

    field: str
    schemas: dict[str, Schema]
    bare: Schema | None
    alone: str


@dataclass(frozen=True, slots=True)
class Schema:
    """An element's tables."""

    name: str
    make: Callable[..., Element]
    attributes: dict[str, Attribute]
    body: Body | None
    children: Children | None
    callbacks: tuple[CallbackPair, ...] = ()


@dataclass(frozen=True, slots=True)
class CallbackPair:
    """A URL and the list of events for which it is requested: either is of no use without the other."""

    url: str
    """The attribute of the URL, as in a document."""
    event: str


def attribute(convert: Callable[[str], T], default: T, *, ignored: str = "", written: str = "") -> T:
    """A field read from the attribute of its name in camelCase or `written`; `default` is the vendor's."""

    def declare(name: str) -> Attribute:
        return Attribute(name, convert, default, ignored, written or _camel_case(name))

    return field(default=default, metadata={_DECLARATION: declare})


def body(
    convert: Callable[[str], T], default: T, *, required: bool = False, kind: Literal["own", "ssml"] = "own"
) -> T:
    """A field read from the element's text; without a `required` one the element is skipped."""

    def declare(name: str) -> Body:
        return Body(name, convert, required, kind)

    return field(default=default, metadata={_DECLARATION: declare})


def children(*kinds: type[E], bare: type[E] | None = None, alone: type[E] | None = None) -> tuple[E, ...]:
    """A field with the elements inside, in their order."""

    def declare(name: str) -> Children:
        schemas = {kind.__name__: schema_of(kind) for kind in kinds}
        return Children(name, schemas, schema_of(bare) if bare else None, alone.__name__ if alone else "")

    return field(default=(), metadata={_DECLARATION: declare})


def schema_of(kind: type[Element]) -> Schema:
    """The tables of a class declared with the helpers above."""
    declared = [
        found.metadata[_DECLARATION](found.name) for found in fields(kind) if _DECLARATION in found.metadata
    ]
    attributes = {one.name: one for one in declared if isinstance(one, Attribute)}
    return Schema(
        name=kind.__name__,
        make=kind,
        attributes=attributes,
        body=next((one for one in declared if isinstance(one, Body)), None),
        children=next((one for one in declared if isinstance(one, Children)), None),
        callbacks=tuple(
            CallbackPair(name.removesuffix(_EVENT), name)
            for name in attributes
            if name.endswith(_EVENT) and name.removesuffix(_EVENT) in attributes
        ),
    )


def owners_of(schema: Schema) -> dict[str, list[str]]:
    """Attribute -> the elements that have it, the schema's own and all inside of it."""
    found: dict[str, list[str]] = {}
    left = [schema]
    while left:
        one = left.pop(0)
        left += one.children.schemas.values() if one.children else ()
        for name in one.attributes:
            if one.name not in found.setdefault(name, []):
                found[name].append(one.name)
    return found


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
