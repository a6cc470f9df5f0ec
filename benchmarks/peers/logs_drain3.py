"""Drain3 on the lines of a file, its default settings."""

import json
import sys
import time
from pathlib import Path

from drain3.drain import Drain

lines = Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace").splitlines()
rates = []
for _ in range(2):
    drain = Drain()
    began = time.process_time()
    for line in lines:
        drain.add_log_message(line)
    rates.append(len(lines) / (time.process_time() - began))
print(json.dumps({"lines_per_s": max(rates), "templates": len(drain.clusters)}))
