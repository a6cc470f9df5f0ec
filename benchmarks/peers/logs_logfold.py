"""logfold on a file of lines, one thread, its defaults: the best of its two strategies."""

import json
import sys
import time
from pathlib import Path

import logfold

file = sys.argv[1]
count = Path(file).read_bytes().count(b"\n")
rates = []
for strategy in ("sequential", "chunked", "sequential", "chunked"):
    began = time.process_time()
    result = logfold.analyze(file, format="plain", threads=1, strategy=strategy, examples="none")
    rates.append(count / (time.process_time() - began))
print(json.dumps({"lines_per_s": max(rates), "templates": len(result.templates)}))
