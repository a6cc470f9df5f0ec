"""Brain as logparser3 ships it, on the lines of a file, without settings for any one system."""

import contextlib
import io
import json
import sys
import tempfile
import time
from pathlib import Path

from logparser.Brain import LogParser

file = Path(sys.argv[1])
count = file.read_bytes().count(b"\n")
with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
    parser = LogParser(
        "any", "<Content>", indir=str(file.parent), outdir=folder, threshold=2, delimeter=[], rex=[]
    )
    began = time.process_time()
    parser.parse(file.name)
    seconds = time.process_time() - began
print(json.dumps({"lines_per_s": count / seconds}))
