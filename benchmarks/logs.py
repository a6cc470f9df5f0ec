"""Templates of two million log lines given as one buffer, every line another one; on one core."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.figure import Figure, PeerMissing, Peers
from benchmarks.redrawn import redrawn
from sre_copilot.cognition.logs.miner import Miner

NAME = "logs"
ABOUT = "log templates: lines a second, variables redrawn, no cache of exact lines"

LINES = 2_000_000
FEW = 100_000  # what a peer of ten or a hundred thousand lines a second is asked: its rate does not depend on how many
ROUNDS = 3
FASTEST = "logfold"


def measure(peers: Peers) -> Figure:
    """Mine the lines; logfold the same lines, slower peers a part of them."""
    buffer = redrawn(LINES)
    rates, templates = _ours(buffer)
    detail: dict[str, float | str] = {"templates": templates}
    with tempfile.TemporaryDirectory() as folder:
        everything, few = Path(folder, "all.log"), Path(folder, "few.log")
        everything.write_bytes(buffer)
        few.write_bytes(b"\n".join(buffer.split(b"\n", FEW)[:FEW]) + b"\n")
        for name, file in ((FASTEST, everything), ("drain3", few), ("brain", few)):
            try:
                detail[name] = float(peers.run(f"logs_{name}.py", str(file))["lines_per_s"])
            except PeerMissing as missing:
                detail[f"{name}_missing"] = str(missing)
    rates += _ours(buffer)[0]  # before and after the peers: the machine may have slowed down meanwhile
    ours, peer = max(rates), detail.get(FASTEST)
    if isinstance(slow := detail.get("drain3"), float):
        detail["ratio_drain3"] = ours / slow
    return Figure(unit="lines/s", ours=ours, peer=peer if isinstance(peer, float) else None, detail=detail)


def _ours(buffer: bytes) -> tuple[list[float], int]:
    """Rates of some rounds, each by a miner that knows nothing yet; compiling is not in it."""
    Miner().mine_buffer(b"a line 1\nanother line\n")
    rates, count, known = [], buffer.count(b"\n"), 0
    for _ in range(ROUNDS):
        miner = Miner()
        began = time.process_time()
        miner.mine_buffer(buffer)
        rates.append(count / (time.process_time() - began))
        known = len(miner.templates)
    return rates, known
