"""A day of the watch under a turned clock: memory stays where it was, and no tick is missed.

`SRE_COPILOT_SOAK_SERIES` and `SRE_COPILOT_SOAK_HOURS` make it smaller or longer. It runs in a process of its own: what other tests of
this process hold, and what its allocator keeps of them, is none of the watch's memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.durability

SERIES = int(os.environ.get("SRE_COPILOT_SOAK_SERIES", "10000"))
HOURS = int(os.environ.get("SRE_COPILOT_SOAK_HOURS", "24"))
SETTLED_HOURS = 1  # what is made once has been made by then
DRIFT = 0.02
STATM = Path("/proc/self/statm")


@pytest.mark.skipif(not STATM.exists(), reason="the memory of a process is read from /proc")
def test_a_day_of_ticks_leaves_memory_where_it_was_and_misses_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        sys.executable,
        str(Path(__file__).with_name("soak.py")),
        str(tmp_path),
        str(SERIES),
        str(HOURS),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    measured = json.loads(answer.stdout.splitlines()[-1])
    settled = measured["memory_mb"][SETTLED_HOURS:]
    quarter = max(1, len(settled) // 4)
    first, last = (
        min(settled[:quarter]),
        min(settled[-quarter:]),
    )  # its troughs: what is held, without what comes and goes
    with capsys.disabled():
        print(
            f"\n{SERIES} series, {measured['ticks']} ticks, missed {measured['missed']}: "
            f"p50 {measured['p50_ms']:.0f} ms, p95 {measured['p95_ms']:.0f} ms; "
            f"memory in the first quarter {first:.0f} MB, in the last {last:.0f} MB ({last / first - 1:+.1%}), "
            f"highest {max(settled):.0f} MB; {measured['told']} anomalies told"
        )
    assert (measured["ticks"], measured["missed"]) == (HOURS * 60, 0)
    assert last < first * (1 + DRIFT)
    assert measured["told"]
