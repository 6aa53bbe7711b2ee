"""Metrics for Prometheus: what there is, read when it is asked for, and who may ask."""

from orchestrator.web.metrics.catalogue import METRICS, NodeSources, Sources
from orchestrator.web.metrics.page import metrics

__all__ = ["METRICS", "NodeSources", "Sources", "metrics"]
