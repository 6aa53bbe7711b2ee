"""A request's parameters: those that its operation declares are converted, anything else is refused.

Query and body count alike, whatever the method. A name may be written in any case and with underscores
(`friendly_name`), as the vendors' own clients write some of theirs.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from orchestrator.web.api.errors import ApiError, Fault
from orchestrator.web.api.parameter_types import InvalidValue, Parameter

ACCOUNT = "AccountSid"
_INVALID, _REFUSED = 422, 400
_MAX_SHOWN = 64


class Given(NamedTuple):
    values: dict[str, Any]
    """Converted, by the name that the operation declares."""
    written: dict[str, str]
    """As they came, for the links to the other pages of a list."""


def folded(name: str) -> str:
    """The common form of all spellings of a name: `StartTime_gt`, `start_time_gt`."""
    return name.replace("_", "").casefold()


def by_name(parameters: Iterable[Parameter]) -> dict[str, Parameter]:
    """By folded name. Raises ValueError for two that could not be distinguished."""
    known: dict[str, Parameter] = {}
    for parameter in parameters:
        if known.setdefault(folded(parameter.name), parameter) is not parameter:
            raise ValueError(f"declared twice: {parameter.name}")
    return known


def read(known: Mapping[str, Parameter], pairs: Iterable[tuple[str, object]], account_sid: str) -> Given:
    """`known` as `by_name` has it, `pairs` in the order in which they came, a name as often as it came.

    Raises ApiError that names every parameter that is missing, invalid, unknown or not supported.
    """
    given: dict[str, list[object]] = {}
    refused: list[Fault] = []
    for name, value in pairs:
        parameter = known.get(folded(name))
        if parameter is not None:
            given.setdefault(parameter.name, []).append(value)
        elif not _is_the_account(name, value, account_sid):
            refused.append(_unknown(known, name))
    values: dict[str, Any] = {}
    invalid: list[Fault] = []
    for parameter in known.values():
        name = parameter.name
        if name not in given:
            if parameter.required:
                detail = f"Can't be blank: {name}"
                invalid.append(Fault("10004", "Missing required parameter", detail, f"/{name}"))
            continue
        try:
            value = _converted(parameter, given[name])
        except InvalidValue as unfit:
            (refused if unfit.unsupported else invalid).append(unfit.fault(name))
            continue
        if value is not None:
            values[name] = value
    if refused or invalid:
        raise ApiError(_REFUSED if refused else _INVALID, *refused, *invalid)
    written = {name: str(found[0]) for name, found in given.items() if name in values}
    return Given(values, written)


def _converted(parameter: Parameter, given: list[object]) -> Any:
    """Raises InvalidValue."""
    if all(value == given[0] for value in given):
        return parameter.kind.convert(given[0])
    parts = [part for value in given for part in (value if isinstance(value, list) else [value])]
    try:
        return parameter.kind.convert(parts)
    except InvalidValue as unfit:
        if unfit.code != "10026":
            raise
        raise InvalidValue("10015", "Bad Request", "is given more than once, with different values") from None


def _is_the_account(name: str, value: object, account_sid: str) -> bool:
    """Which the path has named already; clients that send it in the body too ask for nothing by it."""
    return folded(name) == folded(ACCOUNT) and isinstance(value, str) and value.lower() == account_sid


def _unknown(known: Mapping[str, Parameter], name: str) -> Fault:
    near = difflib.get_close_matches(folded(name), known, 1)
    hint = f", did you mean {known[near[0]].name}?" if near else ""
    detail = f"is no parameter of this request{hint}"
    return Fault("10015", "Unknown parameter", detail, f"/{name[:_MAX_SHOWN]}")


def callback_problems(
    parameters: Iterable[Parameter], values: Mapping[str, Any], default_events: Collection[str] = ()
) -> list[str]:
    """Callbacks that will never be sent: events without their URL, or a URL without events.

    `default_events`: names of lists that are not empty where a request has none.
    """
    found = []
    events = [parameter for parameter in parameters if parameter.name.endswith("CallbackEvent")]
    for parameter in events:
        name, url = parameter.name, parameter.name.removesuffix("Event")
        if name in values and not values.get(url):
            found.append(f"{name} has no effect without {url}")
        elif values.get(url) and not values.get(name, parameter.default or name in default_events):
            found.append(f"{url} has no effect without {name}")
    return found
