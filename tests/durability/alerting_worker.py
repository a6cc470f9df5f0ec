"""Workers that are killed by the tests: `python -m tests.durability.alerting_worker` imports everything once, and makes a process of each line.

A line is the JSON of `Task`; the answer is the process id. Such a process is `sre-copilot serve` or `sre-copilot worker` as it is, without the
seconds of imports, so that it can be killed three hundred times in minutes. Nothing runs here that a fork could tear apart: no thread of Python is begun.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import alembic.command  # noqa: F401 - imported for those that are made of this process
import psycopg  # noqa: F401
from tests.durability.alerting_task import Task

import sre_copilot.bus.opening
import sre_copilot.incidents.casework.rounds  # noqa: F401
from sre_copilot.cli.serve import serve
from sre_copilot.cli.worker import worker
from sre_copilot.durable.runs import DbosDurable
from sre_copilot.store.leadership import Leadership

PR_SET_PDEATHSIG = 1  # of prctl: this process ends with the one that made it


def main() -> None:
    """Make processes until there is nobody left to ask for one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are not waited for
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(Task(**json.loads(line)))
        print(child, flush=True)


def _become(task: Task) -> None:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # none is left when the tests end
        _redirect(Path(task.log))
        if task.lease_s is not None:
            for each, name in ((Leadership, "ttl_s"), (DbosDurable, "lease_s")):
                defaults: dict[str, Any] = each.__init__.__kwdefaults__ or {}  # type: ignore[misc]
                defaults[name] = task.lease_s
        if task.command == "serve":
            serve(port=task.port, config=Path(task.config))
        else:
            worker(config=Path(task.config))
        code = 0
    except BaseException:  # noqa: BLE001 - the end of a process: its log has to say why it ended
        traceback.print_exc()
    finally:
        os._exit(code)


def _redirect(log: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((null, 0), (said, 1), (said, 2)):
        os.dup2(source, target)


if __name__ == "__main__":
    main()
