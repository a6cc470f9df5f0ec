"""The commands of the live lab: `up`, `fault`, `score`, `storm`, `drill`, `replay`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from lab.faults import FAULTS
from lab.live import drill, drill_trial, replay, score, state, storm
from lab.live.inject import injected
from lab.live.noise import Noise
from lab.live.up import WARM_UP_S, Wanted, up
from lab.record import plan

MOST_TOLD = 10  # messages of a storm: what a person can read while it lasts


def add(commands: Any) -> None:
    """Add the commands to a parser's."""
    _add_up(commands)
    fault = commands.add_parser("fault", help="break the running lab for a while")
    fault.add_argument("name", choices=list(FAULTS), metavar="NAME", help="as `faults` lists it")
    fault.add_argument("--service", help="where it strikes (the default is the first that `faults` lists)")
    fault.add_argument("--seconds", type=float, default=60, help="for how long")
    fault.set_defaults(run=_fault)
    _add_score(commands)
    _add_storm(commands)
    _add_drill(commands)


def _add_up(commands: Any) -> None:
    run = commands.add_parser(
        "up", help="run the shop with a Prometheus and sre-copilot serve beside it until Ctrl-C"
    )
    run.add_argument("--minutes-live", type=float, default=6, help="how much is scraped to make the past of")
    run.add_argument("--warm-up", type=float, default=WARM_UP_S, help="seconds before that")
    run.add_argument("--reuse", action="store_true", help="make the past of the last run's live stretch")
    run.add_argument("--interval", type=int, default=10, help="seconds between two ticks of the watch")
    run.add_argument("--port", type=int, default=8000, help="of SRE Copilot; 0 takes a free one")
    run.add_argument("--days", type=int, default=7, help="of past")
    run.add_argument("--every", type=int, default=10, help="seconds between two samples of the past")
    run.add_argument("--no-serve", action="store_true", help="only the shop and its Prometheus")
    run.add_argument("--seed", type=int, default=0, help="of the customers, the changes and the resampling")
    run.add_argument("--kubernetes", action="store_true", help="run the services as pods of a cluster")
    run.add_argument(
        "--autonomy", action="store_true", help="let SRE Copilot repair the shop by itself, for `lab drill`"
    )
    run.set_defaults(run=_up)


def _add_score(commands: Any) -> None:
    one = commands.add_parser(
        "score", help="time to detect of each fault, and false alarms, of the running lab"
    )
    one.add_argument("--faults", help="names with commas between them (default: all)")
    one.add_argument(
        "--quiet", type=float, metavar="MINUTES", help="only watch for false alarms, for so long"
    )
    one.add_argument("--seed", type=int, default=0, help="of the order of the faults and of the moments")
    one.add_argument("--json", type=Path, help="also write the result to this file")
    one.set_defaults(run=_score)
    again = commands.add_parser("replay", help="watch a resampled week under a turned clock")
    again.add_argument("--days", type=int, default=7, help="of past to learn, and as many to watch")
    again.add_argument("--every", type=int, default=10, help="seconds between two samples")
    again.add_argument("--json", type=Path, help="also write the result to this file")
    again.set_defaults(run=_replay)


def _add_storm(commands: Any) -> None:
    one = commands.add_parser("storm", help="three faults at once and a hundred thousand alerts around them")
    one.add_argument("--alerts", type=int, default=100_000, help="further alerts")
    one.add_argument("--seconds", type=float, default=60, help="within which they are sent")
    one.add_argument(
        "--faults", default=",".join(storm.TRIO), help="NAME or NAME:SERVICE, with commas between them"
    )
    one.add_argument(
        "--after", type=float, default=storm.AFTER_S, help="seconds to look on after all is worked off"
    )
    one.add_argument("--seed", type=int, default=0, help="of the further alerts")
    one.add_argument("--resume", action="store_true", help="go on with the storm that was interrupted")
    one.add_argument("--json", type=Path, help="also write the result to this file")
    one.set_defaults(run=_storm)


def _add_drill(commands: Any) -> None:
    one = commands.add_parser("drill", help="break the running lab, and see SRE Copilot repair it by itself")
    one.add_argument("--faults", help="names with commas between them (default: those that have a repair)")
    one.add_argument("--runs", type=int, default=5, help="of each fault")
    one.add_argument(
        "--json",
        type=Path,
        help="where it is kept; runs that are there are not repeated (default: beside the state of the lab)",
    )
    one.add_argument("--again", action="store_true", help="forget what was drilled before")
    one.set_defaults(run=_drill)


def say(text: str) -> None:
    """One line of progress."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def _up(options: argparse.Namespace) -> int:
    wanted = Wanted(
        live_minutes=options.minutes_live,
        warm_up_seconds=options.warm_up,
        reuse=options.reuse,
        interval=options.interval,
        port=options.port,
        days=options.days,
        every=options.every,
        serve=not options.no_serve,
        seed=options.seed,
        kubernetes=options.kubernetes,
        autonomy=options.autonomy,
    )
    with up(wanted, say) as found:
        print(_where(found), flush=True)
        while True:
            time.sleep(1)


def _where(found: state.State) -> str:
    lines = [
        f"the shop      {found.shop_folder} (logs and control files)",
        f"Prometheus    {found.prometheus_url}",
    ]
    lines.append(f"Jaeger's API  {found.jaeger_url}")
    if found.cluster_url:
        lines.append(f"Kubernetes    {found.cluster_url}")
    if found.serve_url:
        ask = f'curl -H "Authorization: Bearer $(cat {found.token_file})" {found.serve_url}/api/v1/anomalies'
        lines += [
            f"SRE Copilot   {found.serve_url}/status",
            f"its log       {found.log_file}",
            f"ask it        {ask}",
        ]
    lines.append("Ctrl-C ends all; meanwhile, in another shell: python3 dev.py lab fault NAME, lab score")
    return "\n".join(lines)


def _fault(options: argparse.Namespace) -> int:
    what = plan(options.name, options.service)
    found = state.State.read()
    with injected(found, what.fault, what.service) as at:
        print(f"{_clock(at)} {what.fault.name} begins at {what.service}: {what.fault.does}", flush=True)
        time.sleep(options.seconds)
    print(f"{_clock(time.time())} {what.fault.name} has ended", flush=True)
    return 0


def _clock(moment: float) -> str:
    return time.strftime("%H:%M:%SZ", time.gmtime(moment))


def _score(options: argparse.Namespace) -> int:
    found = state.State.read()
    if not found.serve_url:
        raise ValueError("the lab that runs has no sre-copilot; start it without --no-serve")
    if options.quiet:
        result = score.watched_quietly(found, minutes=options.quiet, say=say)
    else:
        names = options.faults.split(",") if options.faults else score.families()
        if unknown := [name for name in names if name not in FAULTS]:
            raise ValueError(f"no fault '{unknown[0]}'; there are {', '.join(FAULTS)}")
        result = score.scored(found, names, seed=options.seed, say=say)
    print(score.table(result))
    if options.json:
        options.json.write_text(json.dumps(score.document(result), indent=1), encoding="utf-8")
    return 0


def _storm(options: argparse.Namespace) -> int:
    found = state.State.read()
    if not found.serve_url:
        raise ValueError("the lab that runs has no sre-copilot; start it without --no-serve")
    faults = options.faults.split(",")
    if unknown := [each for each in faults if each.partition(":")[0] not in FAULTS]:
        raise ValueError(f"no fault '{unknown[0]}'; there are {', '.join(FAULTS)}")
    noise = Noise(alerts=options.alerts, seconds=options.seconds, seed=options.seed)
    course = storm.Course.read() if options.resume else storm.begun(found, noise, faults)
    result = storm.stormed(found, course, after=options.after, say=say)
    print(storm.table(result))
    if options.json:
        options.json.write_text(json.dumps(storm.document(result), indent=1), encoding="utf-8")
    return 0 if result.separate and len(result.told) <= MOST_TOLD else 1


def _drill(options: argparse.Namespace) -> int:
    found = state.State.read()
    if not found.serve_url:
        raise ValueError("the lab that runs has no sre-copilot; start it: python3 dev.py lab up --autonomy")
    names = tuple(options.faults.split(",")) if options.faults else drill.REPAIRABLE
    if unknown := [each for each in names if each not in FAULTS]:
        raise ValueError(f"no fault '{unknown[0]}'; there are {', '.join(FAULTS)}")
    file = drill.drill_file(options.json)
    if options.again:
        file.unlink(missing_ok=True)
    done = frozenset(each.key for each in drill.kept(file))
    wanted = drill_trial.Wanted(faults=names, runs=options.runs, done=done)
    print(drill_trial.table(drill.drilled(found, wanted, file, say=say)))
    return 0


def _replay(options: argparse.Namespace) -> int:
    result = replay.replayed(days=options.days, every=options.every, say=say)
    print(replay.table(result))
    if options.json:
        options.json.write_text(json.dumps(replay.document(result), indent=1), encoding="utf-8")
    return 0
