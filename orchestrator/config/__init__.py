"""Settings: one YAML file, checked as a whole before anything starts."""

from orchestrator.config.errors import ConfigError, ConfigErrors
from orchestrator.config.load import load, loads
from orchestrator.config.settings import Settings

__all__ = ["ConfigError", "ConfigErrors", "Settings", "load", "loads"]
