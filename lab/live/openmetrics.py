"""A past as OpenMetrics text, which `promtool` turns into blocks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lab.live.stretch import Series


def write(path: Path, past: Iterable[tuple[Series, NDArray[np.int64]]]) -> int:
    """Write all series, ended as the format asks for; return how many samples there are."""
    samples = 0
    with path.open("wb") as file:
        for series, times in past:
            known = ~np.isnan(series.values)
            samples += int(known.sum())
            table = pl.DataFrame({"value": series.values[known], "time": times[known]})
            prefix = pl.lit(series.text + " ")
            lines = pl.concat_str(
                prefix, pl.col("value").cast(pl.String), pl.lit(" "), pl.col("time").cast(pl.String)
            )
            text = "\n".join(table.select(lines).to_series().to_list())
            file.write(f"{text}\n".encode() if text else b"")
        file.write(b"# EOF\n")
    return samples
