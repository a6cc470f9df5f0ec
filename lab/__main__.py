"""The lab's command line: `python3 dev.py lab faults|record|quiet|up|fault|score|storm|drill|replay`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from lab.faults import FAULTS
from lab.live import commands as live_commands
from lab.record import plan, record, record_quiet
from lab.stores import MissingComponentError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 = done, 1 = failed, 2 = wrong usage or something is not installed, 130 = interrupted."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return int(options.run(options))
    except (MissingComponentError, ValueError) as error:
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        _say("interrupted; everything that was started is ended")
        return 130
    except RuntimeError as error:
        _say(str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dev.py lab", description="A small live shop with real faults.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("faults", help="list the faults").set_defaults(run=_faults)
    one = commands.add_parser("record", help="record one incident as a case folder")
    one.add_argument("--fault", required=True, choices=list(FAULTS))
    one.add_argument("--service", help="where it strikes (the default is the first that `faults` lists)")
    one.add_argument("--seconds", type=int, default=180, help="length of the recording, at least 30")
    one.add_argument("--out", type=Path, required=True, help="the case folder to write")
    one.add_argument("--seed", type=int, default=0, help="of the customers and of the harmless changes")
    one.set_defaults(run=_record)
    quiet = commands.add_parser("quiet", help="record a fault-free baseline and fault-free windows")
    quiet.add_argument("--seconds", type=int, default=240, help="length of the baseline; 0 writes none")
    quiet.add_argument("--windows", type=int, default=0, help="fault-free windows to cut from what follows")
    quiet.add_argument("--first", type=int, default=1, help="number of the first window")
    quiet.add_argument(
        "--out", type=Path, required=True, help="the folder that holds `cases` and `baselines`"
    )
    quiet.add_argument("--seed", type=int, default=0)
    quiet.set_defaults(run=_quiet)
    live_commands.add(commands)
    return parser


def _interrupt(*_: object) -> None:
    """Begin to end everything; a second Ctrl-C shall not stop that half-way."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def _faults(_: argparse.Namespace) -> int:
    for fault in FAULTS.values():
        print(f"{fault.name:20} {fault.fault_type or 'no fault':24} {fault.services[0]:14} {fault.does}")
    return 0


def _record(options: argparse.Namespace) -> int:
    if options.seconds < 30:
        raise ValueError("--seconds must be at least 30: less leaves no time before the fault")
    what = plan(options.fault, options.service, seconds=options.seconds, seed=options.seed)
    facts = record(what, options.out, _say)
    alert = facts["alert"]
    noticed = (
        f"{alert['metric']} after {alert['timestamp'] - facts['t_inject']} s"
        if facts["noticed"]
        else "nothing"
    )
    print(f"{options.out}: noticed at the entry: {noticed}")
    return 0


def _quiet(options: argparse.Namespace) -> int:
    record_quiet(options.seconds, options.windows, options.out, _say, seed=options.seed, first=options.first)
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
