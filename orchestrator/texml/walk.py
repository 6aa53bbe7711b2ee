"""A tree -> the dataclasses of its elements, and a warning for everything that is not done as written."""

from collections.abc import Mapping, Sequence
from typing import cast

from lxml import etree

from orchestrator.texml import limits
from orchestrator.texml.converters import Adjusted, Unusable
from orchestrator.texml.document import Warning
from orchestrator.texml.nearby import hint
from orchestrator.texml.not_built import NOT_BUILT
from orchestrator.texml.schema import Attribute, Children, Defaults, Element, Schema
from orchestrator.texml.tree import bare_name, line_of, own_text, speech

# A start tag ends in the line that libxml2 gives; its attributes may stand this many lines above.
_LINES_OF_A_TAG = 64


class Walk:
    """One pass over one tree. Its depth is that of the schemas, whatever the document's is.

    Used by `parse`, on the call's greenlet; pure, without a wait.
    """

    def __init__(
        self, data: bytes, source: str, defaults: Defaults, owners: Mapping[str, Sequence[str]]
    ) -> None:
        """`owners`: attribute -> the elements that have it."""
        self._defaults = defaults
        self._owners = owners
        self.warnings: list[Warning] = []
        self._source = source
        self._data = data
        self._lines: list[bytes] = []
        self._elements = 0

    def build(self, schema: Schema, element: etree._Element) -> Element | None:
        """The dataclass of an element; None if it has to be skipped."""
        values: dict[str, object] = {"line": line_of(element), **self._defaults.get(schema.name, {})}
        attributes = self._attributes(schema, element)
        for name, raw in attributes:
            attribute = schema.attributes.get(name)
            if attribute is not None:
                self._read(attribute, schema, element, name, raw, values)
            else:
                self._unknown_attribute(schema, element, name, raw)
        self._check_callbacks(schema, element, values)
        if not self._read_text(schema, element, values):
            return None
        if schema.children is not None:
            values[schema.children.field] = self._read_children(schema, schema.children, element)
        elif len(element):
            self._skip_children(schema, element)
        made = schema.make(**values)
        if without_effect := made.without_effect():
            for name, raw in attributes:
                if why := without_effect.get(name):
                    self._warn_without_effect(schema, element, name, raw, made, why)
        if fault := made.fault():
            self.warn(line_of(element), schema.name, f"{fault}, skipped")
            return None
        return made

    def warn(
        self, line: int, element: str, message: str, *, attribute: str = "", value: str = "", used: str = ""
    ) -> None:
        """Adds a warning, up to MAX_WARNINGS of them."""
        room = limits.MAX_WARNINGS - len(self.warnings)
        if room == 1:
            element, message, attribute, value, used = "Response", "further warnings are left out", "", "", ""
        if room > 0:
            shown = value[: limits.MAX_SHOWN]
            self.warnings.append(Warning(self._source, line, element, attribute, shown, message, used))

    def _attributes(self, schema: Schema, element: etree._Element) -> list[tuple[str, str]]:
        if len(element.attrib) <= limits.MAX_ATTRIBUTES:
            return cast("list[tuple[str, str]]", element.items())
        self.warn(line_of(element), schema.name, "has too many attributes, the unknown ones are skipped")
        return [(name, raw) for name in schema.attributes if (raw := element.get(name)) is not None]

    def _read(
        self,
        attribute: Attribute,
        schema: Schema,
        element: etree._Element,
        name: str,
        raw: str,
        values: dict[str, object],
    ) -> None:
        try:
            value = attribute.convert(raw)
        except Unusable as error:
            used = self._defaults.get(schema.name, {}).get(attribute.field, attribute.default)
            self._warn_of(schema, element, name, raw, str(error), _shown(used))
            return
        except Adjusted as error:
            value = error.value
            self._warn_of(schema, element, name, raw, str(error), _shown(value))
        values[attribute.field] = value
        if attribute.ignored and value != attribute.default:
            self._warn_of(schema, element, name, raw, f"has no effect: {attribute.ignored}", "")

    def _check_callbacks(self, schema: Schema, element: etree._Element, values: dict[str, object]) -> None:
        """A callback that is never sent is a mistake that nobody would see."""
        for pair in schema.callbacks:
            url, event = schema.attributes[pair.url], schema.attributes[pair.event]
            address, events = element.get(pair.url), element.get(pair.event)
            if events is not None and address is None:
                problem = f"has no effect without {pair.url}"
                self._warn_of(schema, element, pair.event, events, problem, "")
            # A list that cannot be used has had its own warning, and is not among the values.
            elif values.get(url.field) and not values.get(event.field, event.default or events):
                problem = f"has no effect without {pair.event}"
                self._warn_of(schema, element, pair.url, address or "", problem, "")

    def _warn_without_effect(
        self, schema: Schema, element: etree._Element, name: str, raw: str, made: Element, why: str
    ) -> None:
        attribute = schema.attributes[name]
        if getattr(made, attribute.field) != attribute.default:
            self._warn_of(schema, element, name, raw, f"has no effect: {why}", "")

    def _unknown_attribute(self, schema: Schema, element: etree._Element, name: str, raw: str) -> None:
        elsewhere = self._owners.get(name, ())
        if elsewhere:
            message = f"is no attribute of {schema.name} but of {', '.join(elsewhere)}, skipped"
        else:
            message = f"unknown attribute, skipped{hint(name, schema.attributes)}"
        self._warn_of(schema, element, name, raw, message, "")

    def _read_text(self, schema: Schema, element: etree._Element, values: dict[str, object]) -> bool:
        """Reads the text into `values`; False if the element is nothing without it."""
        body = schema.body
        if body is None:
            if schema.children is None or schema.children.bare is None:
                self._skip_text(schema, element)
            return True
        if body.kind == "ssml":
            raw = speech(element)
            if len(element):
                self.warn(line_of(element), schema.name, "SSML is spoken as plain text")
        else:
            raw = own_text(element)
        try:
            values[body.field] = body.convert(raw)
        except Unusable as error:
            skipped = ", skipped" if body.required else ""
            self.warn(line_of(element), schema.name, f"its text {error}{skipped}", value=raw.strip())
            return not body.required
        except Adjusted as error:
            values[body.field] = error.value
            self.warn(line_of(element), schema.name, f"its text {error}")
        return True

    def _read_children(
        self, schema: Schema, children: Children, element: etree._Element
    ) -> tuple[Element, ...]:
        made: list[tuple[str, Element]] = []
        for child in element:
            self._elements += 1
            if self._elements > limits.MAX_ELEMENTS:
                self.warn(line_of(child), bare_name(child), "too many elements, skipped with all that follow")
                break
            found = children.schemas.get(str(child.tag)) or children.schemas.get(bare_name(child))
            if found is None:
                self._skip_child(schema, child, children)
            elif (one := self.build(found, child)) is not None:
                made.append((found.name, one))
        if children.bare is not None:
            if made:
                self._skip_text(schema, element)
            elif own_text(element).strip() and (bare := self._build_bare(children.bare, element)):
                made.append((children.bare.name, bare))
        return tuple(one for _, one in self._settle(children, made))

    def _build_bare(self, schema: Schema, element: etree._Element) -> Element | None:
        """The element that text alone stands for."""
        values: dict[str, object] = {"line": line_of(element)}
        return schema.make(**values) if self._read_text(schema, element, values) else None

    def _settle(self, children: Children, made: list[tuple[str, Element]]) -> list[tuple[str, Element]]:
        """Leaves alone what suffers no siblings."""
        first = next((pair for pair in made if pair[0] == children.alone), None)
        if first is None or len(made) == 1:
            return made
        for name, other in made:
            if other is not first[1]:
                self.warn(other.line, name, f"cannot stand beside a {children.alone}, skipped")
        return [first]

    def _skip_child(self, schema: Schema, child: etree._Element, children: Children | None) -> None:
        name = bare_name(child)
        if name in NOT_BUILT:
            self.warn(line_of(child), name, "is not built, skipped")
            return
        near = hint(name, children.schemas if children else ())
        self.warn(line_of(child), name, f"unknown inside {schema.name}, skipped{near}")

    def _skip_children(self, schema: Schema, element: etree._Element) -> None:
        if schema.body is not None and schema.body.kind == "ssml":
            return
        for child in element:
            self._skip_child(schema, child, None)

    def _skip_text(self, schema: Schema, element: etree._Element) -> None:
        if stray := own_text(element).strip():
            self.warn(line_of(element), schema.name, "its text has no meaning here, skipped", value=stray)

    def _warn_of(
        self, schema: Schema, element: etree._Element, name: str, raw: str, message: str, used: str
    ) -> None:
        if len(self.warnings) < limits.MAX_WARNINGS:
            line = self._line_of_attribute(element, name)
            self.warn(line, schema.name, message, attribute=name, value=raw, used=used)

    def _line_of_attribute(self, element: etree._Element, name: str) -> int:
        """The line of an attribute; libxml2 only knows where the start tag ends."""
        end = line_of(element)
        if not self._lines:
            self._lines = self._data.split(b"\n")
        wanted, start = f" {name}=".encode(), f"<{bare_name(element)}".encode()
        for line in range(end, max(0, end - _LINES_OF_A_TAG), -1):
            written = b" " + self._lines[line - 1].replace(b"\t", b" ")
            if wanted in written:
                return line
            if start in written:
                break
        return end


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, frozenset):
        return " ".join(sorted(value)) or "nothing"
    return "nothing" if value is None or value == "" else str(value)
