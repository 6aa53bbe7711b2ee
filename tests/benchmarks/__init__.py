"""How fast it is, beside the programs that people would otherwise use: `python -m tests.benchmarks`."""

NAMES = (
    "decode",
    "path",
    "delivery",
    "waiting",
    "kept",
    "growth",
    "start",
    "timeline",
    "delay",
    "join",
    "load",
    "nodes",
    "relay",
    "stores",
)
"""Each a module here with a docstring, `run(options) -> Iterable[Figure]` and, where it takes options of its
own, `add_options(parser)`."""
