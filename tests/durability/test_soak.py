"""A day of the watch under a turned clock: memory stays where it was, and no tick is missed.

`SRE_COPILOT_SOAK_SERIES` and `SRE_COPILOT_SOAK_HOURS` make it smaller or longer. It runs in a process of its own: what other tests of
this process hold, and what its allocator keeps of them, is none of the watch's memory.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.durability

SERIES = int(os.environ.get("SRE_COPILOT_SOAK_SERIES", "10000"))
HOURS = int(os.environ.get("SRE_COPILOT_SOAK_HOURS", "24"))
SETTLED_HOURS = 1  # what is made once has been made by then
DRIFT = 0.02
RESIDENT_DRIFT = 0.5  # of what the system counts: pieces come and go, a leak that the allocator does not know of would not stop at a half


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is held is asked of glibc's allocator")
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
    answer = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
        env={**os.environ, "PYTHONMALLOC": "malloc"},
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    measured = json.loads(answer.stdout.splitlines()[-1])
    held, resident = _first_and_last(measured["held_mb"]), _first_and_last(measured["resident_mb"])
    with capsys.disabled():
        print(
            f"\n{SERIES} series, {measured['ticks']} ticks, missed {measured['missed']}: "
            f"p50 {measured['p50_ms']:.0f} ms, p95 {measured['p95_ms']:.0f} ms; "
            f"held in the first quarter {held[0]:.0f} MB, in the last {held[1]:.0f} MB ({held[1] / held[0] - 1:+.1%}); "
            f"resident {resident[0]:.0f} MB, {resident[1]:.0f} MB; {measured['told']} anomalies told"
        )
    assert (measured["ticks"], measured["missed"]) == (HOURS * 60, 0)
    assert held[1] < held[0] * (1 + DRIFT)
    assert resident[1] < resident[0] * (1 + RESIDENT_DRIFT)
    assert measured["told"]


def _first_and_last(memory: list[float]) -> tuple[float, float]:
    """The troughs of the first and of the last quarter: what is held, without what comes and goes."""
    settled = memory[SETTLED_HOURS:]
    quarter = max(1, len(settled) // 4)
    return min(settled[:quarter]), min(settled[-quarter:])
