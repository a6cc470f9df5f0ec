"""Breaking a shop that another process runs, for a while."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import cluster, stack
from lab.changes import ChangeLog
from lab.faults import Fault, Scene
from lab.live import state
from lab.live.up import telling
from lab.load import DistantLoad

AHEAD_S = 5.0  # a fault that is prepared (a certificate that ends) strikes so much later


@contextmanager
def injected(found: state.State, fault: Fault, service: str) -> Iterator[float]:
    """Break the shop while the context is open; yields when (epoch s). What the fault leaves behind is put right at the end."""
    folder = Path(found.shop_folder)
    shop = cluster.attached(folder, found.cluster_url) if found.cluster_url else stack.attached(folder)
    changes = ChangeLog(shop, random.Random(0), tell=telling(found))
    at = time.time()
    scene = Scene(shop, DistantLoad(folder), changes, service, at + AHEAD_S)
    fault.prepare(scene)
    try:
        with fault.begin(scene):
            yield at
    finally:
        fault.mend(scene)
