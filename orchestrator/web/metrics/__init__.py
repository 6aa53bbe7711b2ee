"""Metrics for Prometheus: what there is, read when it is asked for, and who may ask."""

from orchestrator.web.metrics.catalogue import METRICS
from orchestrator.web.metrics.page import metrics
from orchestrator.web.metrics.sources import NodeSources, Sources

__all__ = ["METRICS", "NodeSources", "Sources", "metrics"]
