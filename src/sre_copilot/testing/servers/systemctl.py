"""A program that answers like `systemctl` about units in a file, for tests where there is no systemd: `python systemctl.py FILE VERB …`.

What it answers is held to a real systemd (`systemd.py` beside this) by the integration tests, which run the same suite against both. `units(file, {...})` writes the file.
"""

# ruff: noqa: T201 (its output is what it is for)

from __future__ import annotations

import fcntl
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any


def units(file: Path, **wanted: dict[str, Any]) -> None:
    """Write units: each with `active` (the state), and if need be `slow` (seconds that a job takes), `late` (seconds until its end is told), `broken`."""
    fresh = {"active": "inactive", "sub": "dead", "id": "", "starts": 0, "stops": 0, "reloads": 0}
    file.write_text(
        json.dumps({name.replace("__", "."): fresh | each for name, each in wanted.items()}), encoding="utf-8"
    )


def read(file: Path) -> Any:
    """The units as they are."""
    return json.loads(file.read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    """Answer once."""
    file, verb, *rest = arguments
    name = rest[-1]
    with Path(file).open("r+", encoding="utf-8") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        known = json.load(opened)
        unit = known.get(name)
        if verb == "show":
            return _show(name, unit)
        if unit is None:
            print(f"Failed to {verb} {name}: Unit {name} not found.", file=sys.stderr)
            return 5
        time.sleep(unit.get("slow", 0))
        code = _job(verb, name, unit)
        opened.seek(0)
        opened.truncate()
        json.dump(known, opened)
    time.sleep(unit.get("late", 0))
    return code


def _show(name: str, unit: Any) -> int:
    load = "loaded" if unit else "not-found"
    unit = unit or {"active": "inactive", "sub": "dead", "id": ""}
    print(f"Id={name}\nLoadState={load}\nActiveState={unit['active']}\nSubState={unit['sub']}")
    print(f"InvocationID={unit['id']}")
    return 0


def _job(verb: str, name: str, unit: Any) -> int:
    running = unit["active"] == "active"
    if verb == "reload":
        unit["reloads"] += running
        return 0 if running else 1
    if verb in {"stop", "restart"} and running:
        unit.update(active="inactive", sub="dead", stops=unit["stops"] + 1)
    if verb == "restart" or (verb == "start" and not running):
        broken = bool(unit.get("broken"))
        state = {"active": "failed", "sub": "failed"} if broken else {"active": "active", "sub": "running"}
        unit.update(state, id=uuid.uuid4().hex, starts=unit["starts"] + 1)
        if broken:
            print(
                f"Job for {name} failed because the control process exited with error code.", file=sys.stderr
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
