"""Entry point. Patching comes first: what is imported before it keeps blocking sockets."""

from gevent import config, monkey

monkey.patch_all()
# Where a greenlet was spawned nobody asks: to note it doubles what a spawn takes, and is 1 KB of every call.
config.track_greenlet_tree = False

import sys

from orchestrator import cli


def main() -> int:
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
