"""Kills the orchestrator a hundred times under calls, and compares its callbacks with what was true.

    python -m tests.crash --kills 100 [--freeswitch-kills 20] [--receiver-fails 0.5] [--stalls N] [--seed N]
    python -m tests.crash --engine postgresql --kills 20
    python -m tests.crash --nodes 3 --kills 100 --freeswitch-kills 20
    python -m tests.crash --engine postgresql --orchestrators 3 --kills 50 --database-kills 5

With several nodes the calls come to each in turn, and a room is on its first caller's; one dies at a time.
Exit code 0: nothing was lost, invented or wrong, and every room's callbacks are numbered without a gap.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import random  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from functools import partial  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402

from tests.crash.run import Options, running  # noqa: E402
from tests.crash.switches import RealLab  # noqa: E402
from tests.lab.postgresql import why_not as no_postgresql  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, help="of the orchestrator (100; with --stalls 0)")
    parser.add_argument("--freeswitch-kills", type=int, default=0, help="of the switch")
    parser.add_argument("--stalls", type=int, default=0, help="SIGSTOP and SIGCONT of either or both")
    parser.add_argument("--longest-stall", type=float, default=60.0, metavar="SECONDS", help="of them (60)")
    parser.add_argument("--nodes", type=int, default=1, help="FreeSWITCHes under the orchestrator (1)")
    parser.add_argument("--orchestrators", type=int, default=1, help="of which all but one stand by (1)")
    parser.add_argument("--database-kills", type=int, default=0, help="of PostgreSQL, which comes back")
    parser.add_argument(
        "--engine", choices=["sqlite", "postgresql"], default="sqlite", help="the store (sqlite)"
    )
    parser.add_argument("--receiver-fails", type=float, default=0.0, metavar="P", help="probability")
    parser.add_argument("--seed", type=int, help="of calls, kills and failures; default: a new one")
    parser.add_argument("--switch", choices=["freeswitch", "emulator"], help="default: what there is")
    parser.add_argument("--rate", type=float, default=4.0, help="calls a second (4)")
    parser.add_argument("--seconds", type=float, default=0.0, help="of traffic at least")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="logs and database go there and stay")
    arguments = parser.parse_args()
    kind = arguments.switch or ("emulator" if RealLab.why_not() else "freeswitch")
    if kind == "freeswitch" and (reason := RealLab.why_not()):
        parser.error(reason)
    if kind == "emulator" and arguments.nodes > 1:
        parser.error("several nodes need a real FreeSWITCH: emulators in processes of their own have no SIP")
    if arguments.engine == "postgresql" and (reason := no_postgresql()):
        parser.error(reason)
    if arguments.engine != "postgresql" and (arguments.orchestrators > 1 or arguments.database_kills):
        parser.error("several orchestrators share PostgreSQL: --engine postgresql")
    options = Options(
        kills=arguments.kills if arguments.kills is not None else 0 if arguments.stalls else 100,
        freeswitch_kills=arguments.freeswitch_kills,
        stalls=arguments.stalls,
        longest_stall=arguments.longest_stall,
        receiver_fails=arguments.receiver_fails,
        seed=arguments.seed if arguments.seed is not None else random.randrange(1_000_000),
        rate=arguments.rate,
        seconds=arguments.seconds,
        switch=kind,
        nodes=arguments.nodes,
        orchestrators=arguments.orchestrators,
        database_kills=arguments.database_kills,
        engine=arguments.engine,
    )
    directory = arguments.keep or Path(tempfile.mkdtemp(prefix="crash-"))
    directory.mkdir(parents=True, exist_ok=True)
    # As Ctrl-C: what was started has to be ended.
    main_greenlet = gevent.getcurrent()
    gevent.signal_handler(signal.SIGTERM, main_greenlet.throw, KeyboardInterrupt)
    try:
        with running(options, directory, partial(print, flush=True)) as run:
            return 0 if run.go().good else 1
    except KeyboardInterrupt:
        return 130
    finally:
        if arguments.keep is None:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
