from tests.scenarios.conftest import house

__all__ = ["house"]
