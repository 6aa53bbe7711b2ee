"""The metrics, their access, and that the documentation, the alerts and the dashboard name them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from pydantic import SecretStr

from orchestrator.config.service import Web
from orchestrator.histogram import Histogram
from orchestrator.web.metrics import METRICS, metrics
from orchestrator.web.metrics.catalogue import table
from orchestrator.web.server import WebServer
from tests.scenarios.conftest import NUMBER, House, house
from tests.web.site import wait_until

__all__ = ["house"]

ROOT = Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "docker" / "grafana"
ANNA, BERT, CLEO = "+13125550002", "+13125550003", "+13125550004"
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


class Scrape:
    def __init__(self, text: str) -> None:
        self.text = text
        self.values: dict[str, float] = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                self.values[name] = float(value)

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def families(self) -> Mapping[str, str]:
        return dict(re.findall(r"^# TYPE (\S+) (\S+)$", self.text, re.MULTILINE))


def ask(house: House, path: str, **headers: str) -> requests.Response:
    assert house.orchestrator is not None
    return requests.get(f"http://127.0.0.1:{house.orchestrator.web.port}{path}", headers=headers, timeout=20)


def scrape(house: House) -> Scrape:
    answer = ask(house, "/metrics")
    assert answer.status_code == 200, answer.text
    return Scrape(answer.text)


def waits_for(house: House, **wanted: float) -> Scrape:
    """Until unlabelled metrics have these values."""
    seen: list[Scrape] = []

    def fits() -> bool:
        seen.append(scrape(house))
        return all(seen[-1][name] == value for name, value in wanted.items())

    wait_until(fits, str(wanted), 20)
    return seen[-1]


LEGS = 'texml_legs{node="default"}'

# Their values


def test_a_conference_from_its_first_call_to_its_last_callback(house: House) -> None:
    house.voice(house.joins(maxParticipants="2"))
    phones = []
    for number, caller in enumerate((ANNA, BERT), 1):
        phones.append(house.switch.call(NUMBER, from_=caller))
        waits_for(house, texml_joins_total=number)
        house.delivered(1 + number, 10)
    third = house.switch.call(NUMBER, from_=CLEO)
    third.wait_ended(10)

    found = waits_for(house, **{LEGS: 2})
    assert found['texml_rooms{node="default",phase="in-progress"}'] == 1
    wait_until(lambda: scrape(house)['texml_participants{node="default",phase="in"}'] == 2, "both are in")
    assert found['texml_rejections_total{reason="full"}'] == 1
    assert found["texml_calls_accepted_total"] == 3
    assert found["texml_rooms_started_total"] == 1
    assert found['texml_fetches_total{outcome="ok"}'] == found["texml_fetch_duration_seconds_count"] == 3
    assert found["texml_event_delay_seconds_count"] >= 6
    assert found['texml_freeswitch_connected{node="default"}'] == 1
    assert found["texml_outbox_writable"] == 1

    for phone in phones:
        phone.hang_up()
    found = waits_for(house, texml_leaves_total=2, texml_outbox_callbacks=0, **{LEGS: 0})
    assert found['texml_rooms_ended_total{reason="last-participant-left"}'] == 1
    assert found['texml_rooms{node="default",phase="in-progress"}'] == 0
    # Of the room: start, two joins, two leaves, the end; of each call: completed.
    assert found['texml_callbacks_total{outcome="delivered"}'] == 9
    assert found["texml_callback_delay_seconds_count"] == 9
    assert found['texml_callback_delay_seconds_bucket{le="+Inf"}'] == 9


def test_nothing_that_somebody_else_chose_becomes_a_label(house: House) -> None:
    house.voice(house.joins("a-room-of-mine"))
    phone = house.switch.call(NUMBER, from_=ANNA)
    house.delivered(2, 10)
    ask(house, "/no-such-page")
    requests.request("BREW", f"http://127.0.0.1:{house.orchestrator.web.port}/readyz", timeout=20)  # type: ignore[union-attr]
    found = scrape(house)
    room = house.events()[0]["ConferenceSid"]
    phone.hang_up()
    for chosen in ("a-room-of-mine", room, "3125550", "no-such-page", "BREW"):
        assert chosen not in found.text
    assert found['texml_http_requests_total{area="none",method="GET",status="404"}'] == 1
    assert found['texml_http_requests_total{area="none",method="other",status="405"}'] == 1


def test_failures_are_counted_by_their_kind(house: House) -> None:
    house.application.document("/fallback", "<Response><Reject/></Response>")
    house.application.document("/voice", "", status=500)
    house.switch.call(NUMBER, from_=ANNA).wait_ended(20)
    house.switch.call("+999", from_=ANNA).wait_ended(10)
    found = waits_for(house, **{LEGS: 0})
    assert found['texml_fetches_total{outcome="status"}'] == 1
    assert found['texml_fetches_total{outcome="ok"}'] == 1
    assert found['texml_calls_rejected_total{reason="unknown_number"}'] == 1


def test_every_metric_is_there_from_the_start(house: House) -> None:
    families = scrape(house).families()
    expected = {metric.name: metric.kind for metric in METRICS}
    assert {name: families.get(name) for name in expected} == expected
    assert "process_resident_memory_bytes" in families
    open_metrics = ask(house, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert open_metrics.text.endswith("# EOF\n")


def test_a_histogram_counts_a_value_in_every_bucket_that_holds_it() -> None:
    histogram = Histogram(1.0, 2.0)
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(value)
    assert list(histogram.cumulative()) == [(1.0, 2), (2.0, 3), (float("inf"), 4)]
    assert (histogram.count, histogram.sum) == (4, 12.0)


# Labels


@pytest.mark.parametrize(
    ("listen", "public_url", "private"),
    [
        ("127.0.0.1:8080", None, True),
        ("localhost:8080", None, True),
        ("[::1]:8080", None, True),
        ("10.1.2.3:8080", None, True),
        ("0.0.0.0:8080", None, False),
        ("[::]:8080", None, False),
        ("198.41.0.4:8080", None, False),
        ("conf.example.com:8080", None, False),
        ("127.0.0.1:8080", "https://conf.example.com", False),
        ("127.0.0.1:8080", "http://192.168.1.7:8080/x", True),
    ],
)
def test_metrics_are_open_only_where_others_cannot_connect(
    listen: str, public_url: str | None, private: bool
) -> None:
    assert Web(listen=listen, public_url=public_url).is_private is private


@pytest.fixture
def shown(house: House) -> Iterator[Callable[..., requests.Response]]:
    """Asks a server of other settings for the metrics of this orchestrator."""
    servers: list[WebServer] = []

    def show(web: Web, **headers: str) -> requests.Response:
        assert house.orchestrator is not None
        server = WebServer("127.0.0.1", 0, [metrics(web, house.orchestrator.counted)])
        server.start()
        servers.append(server)
        return requests.get(f"http://127.0.0.1:{server.port}/metrics", headers=headers, timeout=20)

    yield show
    for server in servers:
        server.stop(1)


def test_with_a_key_only_its_holder_is_answered(shown: Callable[..., requests.Response]) -> None:
    web = Web(listen="0.0.0.0:8080", metrics_key=SecretStr("for-prometheus"))
    right = "Bearer for-prometheus"
    assert "texml_info" in shown(web, Authorization=right).text
    for wrong in ("Bearer key-of-main", "Bearer", "Basic Zm9yLXByb21ldGhldXM6", right[:-1], ""):
        answer = shown(web, Authorization=wrong)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), wrong
        assert "texml" not in answer.text


def test_where_anybody_may_connect_nobody_is_answered_without_a_key(
    shown: Callable[..., requests.Response],
) -> None:
    answer = shown(Web(listen="0.0.0.0:8080"))
    assert answer.status_code == 403
    assert "set web.metrics_key" in answer.text


# Whether it lives and serves


def test_without_freeswitch_it_lives_and_is_not_ready(house: House) -> None:
    assert ask(house, "/readyz").json() == {"status": "ready", "problems": {}}
    house.log.allows("another FreeSWITCH answers")
    house.switch.kill()
    wait_until(lambda: ask(house, "/readyz").status_code == 503, "it notices", 20)
    assert ask(house, "/readyz").json()["problems"] == {"node default": "FreeSWITCH is not connected"}
    assert ask(house, "/healthz").json() == {"status": "alive"}
    assert scrape(house)['texml_freeswitch_connected{node="default"}'] == 0
    house.switch.begin()
    wait_until(lambda: ask(house, "/readyz").status_code == 200, "it is back", 60)
    assert scrape(house)['texml_freeswitch_reconnects_total{node="default"}'] == 1


def test_with_a_database_that_cannot_be_written_it_is_not_ready(house: House) -> None:
    house.log.allows("database is locked")
    other = sqlite3.connect(house.directory / "orchestrator.sqlite", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        wait_until(lambda: ask(house, "/readyz").status_code == 503, "it notices", 20)
        problems = ask(house, "/readyz").json()["problems"]
        assert problems == {"database": "what happens cannot be written down: the log says why"}
        assert scrape(house)["texml_outbox_writable"] == 0
        other.execute("ROLLBACK")
    finally:
        other.close()
    wait_until(lambda: ask(house, "/readyz").status_code == 200, "it can again", 20)


# Documents about them


def test_the_documentation_has_exactly_these_metrics() -> None:
    """Where it fails: put what orchestrator.web.metrics.catalogue.table() returns into docs/metrics.md."""
    assert (ROOT / "docs" / "metrics.md").read_text().endswith(f"\n\n{table()}")


def test_names_follow_the_conventions() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert re.fullmatch(r"texml_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") is (metric.kind == "counter")
        assert metric.help.endswith(".")
        assert metric.kind != "histogram" or metric.name.endswith(("_seconds", "_ratio", "_mos"))


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of every alert and panel."""
    groups = yaml.safe_load((ROOT / "docker" / "alerts.yml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        yield rule["alert"], rule["expr"]
    dashboard = json.loads((GRAFANA / "dashboards" / "orchestrator.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]


def labels_of(expression: str, name: str) -> set[str]:
    """Labels that a selector of this metric asks for."""
    found = re.findall(rf"\b{name}{{([^}}]*)}}", expression)
    return {label for selector in found for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)}


def test_alerts_and_dashboard_speak_of_metrics_and_labels_that_there_are() -> None:
    known = {metric.name + suffix: metric for metric in METRICS for suffix in SUFFIXES[metric.kind]}
    spoken_of = set()
    for where, expression in expressions():
        names = re.findall(r"\btexml_\w+", expression)
        assert names or "process_" in expression or "up{" in expression, where
        allowed = {"instance", "le"}
        for name in names:
            assert name in known, (where, name)
            spoken_of.add(known[name].name)
            allowed |= set(known[name].labels)
            beyond = labels_of(expression, name) - {"instance", *known[name].labels}
            assert not beyond, (where, beyond)
        for by in re.findall(r"\bby \(([^)]*)\)", expression):
            assert set(re.split(r",\s*", by)) <= allowed, (where, by)
    unused = {metric.name for metric in METRICS} - spoken_of
    assert unused == {"texml_http_request_duration_seconds"}


def test_alerts_and_dashboard_ask_for_label_values_that_there_are(house: House) -> None:
    text = scrape(house).text
    for where, expression in expressions():
        for name, selector in re.findall(r"\b(texml_\w+){([^}]*)}", expression):
            for label, values in re.findall(r'(\w+)(?:=~|!~|!=|=)"([^"$]+)"', selector):
                for value in values.split("|"):
                    assert re.search(rf'^{name}{{.*{label}="{value}"', text, re.MULTILINE), (where, value)


def test_prometheus_and_grafana_find_what_they_are_configured_to_read() -> None:
    prometheus = yaml.safe_load((ROOT / "docker" / "prometheus.yml").read_text())
    assert all((ROOT / "docker" / name).exists() for name in prometheus["rule_files"])
    assert [job["job_name"] for job in prometheus["scrape_configs"]] == ["orchestrator"]
    provisioning = GRAFANA / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())
    dashboard = json.loads((GRAFANA / "dashboards" / "orchestrator.json").read_text())
    assert dashboard["templating"]["list"][0]["current"]["value"] == sources["datasources"][0]["uid"]
    providers = yaml.safe_load((provisioning / "dashboards" / "orchestrator.yml").read_text())
    assert providers["providers"][0]["options"]["path"] == "/var/lib/grafana/dashboards"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    assert not overlapping([panel["gridPos"] for panel in dashboard["panels"]])


def overlapping(places: list[dict[str, Any]]) -> set[tuple[int, int]]:
    taken: set[tuple[int, int]] = set()
    twice = set()
    for place in places:
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                (twice if (x, y) in taken else taken).add((x, y))
    return twice
