"""Operations of the API: one row each, from which routes and the OpenAPI document are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from orchestrator.services.api_services import ApiServices
from orchestrator.store.records import Query, RecordKind
from orchestrator.web.api.paging import (
    WHEN,
    Page,
    operators,
    page_body,
    page_of,
    slice_of,
    spans_of,
    token_of,
)
from orchestrator.web.api.parameter_types import Parameter
from orchestrator.web.api.parameters import by_name
from orchestrator.web.api.response_schema import ApiBase, ListOf, ResponseSchema

HttpMethod = Literal["GET", "POST", "DELETE"]


class RequestContext(NamedTuple):
    """One request, read and checked."""

    control: ApiServices
    base: ApiBase
    path: Mapping[str, str]
    query: Mapping[str, str]
    """The parameters as they came, by the names that the operation declares."""
    values: Mapping[str, Any]
    """The operation's parameters that were given, converted."""

    suffix: str = ""
    """The suffix of the path: `.json`, or nothing."""

    @property
    def account_sid(self) -> str:
        return self.base.account_sid

    @property
    def page(self) -> Page:
        return page_of(self.values)

    def asked(self, columns: Mapping[str, str]) -> dict[str, str]:
        """The given parameters that filter by a column, by column."""
        return {column: self.values[name] for name, column in columns.items() if self.values.get(name)}

    def matching(
        self,
        kind: RecordKind,
        equal: Mapping[str, str],
        times: Mapping[str, str],
        unequal: Mapping[str, str] | None = None,
    ) -> Query:
        """A page of this account's records, and one more; `times` has the filter of each column."""
        page = self.page
        return Query(
            kind,
            self.account_sid,
            equal,
            unequal or {},
            {column: spans_of(name, self.query) for column, name in times.items()},
            page.after,
            page.offset,
            page.size + 1,
        )

    def listed(
        self, what: ListOf, found: list[Any], where: tuple[str, ...], suffix: str = ".json"
    ) -> dict[str, object]:
        """A page of what was found, which has one entry too many where there is more."""
        page = self.page
        shown, more = slice_of(page, found)
        token = token_of(shown[-1].created_at, shown[-1].sid) if more else None
        return self.page_of_list(what, shown, where, token, suffix)

    def all_of(
        self, what: ListOf, found: list[Any], where: tuple[str, ...], suffix: str = ".json"
    ) -> dict[str, object]:
        """The same of a list that is whole: the next page is named by its number alone."""
        page = self.page
        shown = found[page.offset : page.offset + page.size]
        more = len(found) > page.offset + page.size
        return self.page_of_list(what, shown, where, "" if more else None, suffix)

    def page_of_list(
        self,
        what: ListOf,
        shown: Any,
        where: tuple[str, ...],
        token: str | None,
        suffix: str = ".json",
    ) -> dict[str, object]:
        """`shown` as one page; `token` leads to the next, None where there is none."""
        path = self.base.uri(*where, suffix=suffix)
        return {
            what.key: [what.shape.body(self.base, entry) for entry in shown],
            **page_body(self.page, path, self.query, shown, token),
            **{field.name: field.get(self.base, shown) for field in what.more},
        }


Run = Callable[[RequestContext], "dict[str, object] | None"]


@dataclass(frozen=True)
class Operation:
    name: str
    method: HttpMethod
    path: str
    """After the account: `/Conferences/{conference_sid}`."""
    summary: str
    run: Run
    answer: ResponseSchema | ListOf | None
    query: tuple[Parameter, ...] = ()
    times: tuple[str, ...] = ()
    """Filters by time, each in every spelling of its operators."""
    body: tuple[Parameter, ...] = ()
    status: int = 200
    suffixes: tuple[str, ...] = ("", ".json")
    idempotent: bool = False
    """Done again it would be done twice: a client's key keeps it from that."""

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """All that it takes, wherever in the request, by folded name."""
        times = (Parameter(spelling, WHEN) for name in self.times for spelling in operators(name))
        return by_name((*self.query, *times, *self.body))
