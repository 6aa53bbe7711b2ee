"""One metric: its name, what it says, and where its numbers are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family

from orchestrator.histogram import Histogram
from orchestrator.web.metrics.sources import Sources

Kind = Literal["counter", "gauge", "histogram"]
Values = (
    float
    | Mapping[str, float]
    | Mapping[tuple[str, ...], float]
    | Mapping[tuple[str, str], float]
    | Histogram
)
"""One value; or one by the value of the label, or by the values of the labels; or a histogram."""
Read = Callable[["Sources"], Values]


@dataclass(frozen=True)
class Metric:
    kind: Kind
    name: str
    """Prometheus' conventions: a unit at the end, and `_total` on a counter."""
    help: str
    read: Read
    labels: tuple[str, ...] = ()

    def family(self, sources: Sources) -> Family:
        """With the values of this moment. Raises OutboxError where it reads the database."""
        values = self.read(sources)
        if isinstance(values, Histogram):
            histogram = HistogramMetricFamily(self.name, self.help)
            buckets = [(_bound(bound), count) for bound, count in values.cumulative()]
            histogram.add_metric([], buckets, values.sum)
            return histogram
        of_kind = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        family = of_kind(self.name, self.help, labels=self.labels)
        by_label = values if isinstance(values, Mapping) else {(): values}
        for label, value in by_label.items():
            family.add_metric([label] if isinstance(label, str) else list(label), value)
        return family


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)


def counter(name: str, help_: str, read: Read, *labels: str) -> Metric:
    return Metric("counter", name, help_, read, labels)


def gauge(name: str, help_: str, read: Read, *labels: str) -> Metric:
    return Metric("gauge", name, help_, read, labels)


def histogram(name: str, help_: str, read: Read) -> Metric:
    return Metric("histogram", name, help_, read)
