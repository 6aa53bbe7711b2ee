"""Entry point. Patching comes first: what is imported before it keeps blocking sockets."""

from gevent import monkey

monkey.patch_all()

import sys

from orchestrator import cli


def main() -> int:
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
