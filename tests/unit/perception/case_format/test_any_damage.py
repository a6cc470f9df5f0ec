"""Whatever happens to a case, reading it gives an observation or an error that names the file; never anything else."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sre_copilot.domain.incident import Observation
from sre_copilot.errors import BadCaseError
from sre_copilot.perception.case_format.case_check import check_case
from sre_copilot.perception.columns import TABLES
from sre_copilot.perception.recorded import RecordedSource
from sre_copilot.testing.cases import Case, build_case
from sre_copilot.testing.recording_contract import assert_same

DTYPES: list[Any] = [
    pl.Int8(), pl.UInt64(), pl.Float32(), pl.String(), pl.Boolean(), pl.Binary(), pl.Categorical(), pl.Date(),
    pl.Datetime("us"), pl.Datetime("ms", "Asia/Shanghai"), pl.Duration("ms"), pl.Null(), pl.List(pl.Int64()),
    pl.Decimal(20, 2), pl.Struct({"a": pl.Int64()}), pl.Time(),
]  # fmt: skip
NUMBERS = [0, -1, 10**11, 10**14, 10**17, 2**63 - 1, -(2**63), 5 * 10**10]
FLOATS = [float("nan"), float("inf"), -float("inf"), 1e300, -0.0]
FEW = settings(
    max_examples=25,
    derandomize=True,  # about one damaged file in 9,000 makes the Parquet library itself abort the process
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def small() -> Case:
    case = build_case("exception", requests_per_second=0.03, baseline=False)
    state = pl.DataFrame({"key": ["kubectl get pods"], "text": ["NAME READY"]})
    alerts = {"status": "bad", "alert_count": 1, "alerts": [{"name": "order", "evidence": ["slow"]}]}
    return case.with_table("state", state).with_document("alerts", alerts)


def outcome(folder: Path) -> Observation | BadCaseError:
    try:
        return RecordedSource(folder).observe()
    except BadCaseError as error:
        return error


def checked(folder: Path) -> None:
    """The check and the reader agree on whether a case can be read."""
    seen = outcome(folder)
    assert check_case(folder).ok == isinstance(seen, Observation)
    assert isinstance(seen, Observation) or (seen.file and seen.problem)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, Any]:
    """A table's name and a function that does something to it."""
    table = draw(st.sampled_from(TABLES))
    column = draw(st.sampled_from([each.name for each in table.columns]))
    kind = draw(
        st.sampled_from(
            ["drop", "rename", "retype", "nulls", "odd", "repeat", "none", "permute", "extra", "garbage"]
        )
    )
    seed = draw(st.integers(0, 99))
    dtype = draw(st.sampled_from(DTYPES))
    odd = draw(
        st.sampled_from([*NUMBERS, *FLOATS, "", "\x00", "x" * 5000, "2026-01-01T00:00:00+08:00", "NaN"])
    )
    return table.name, lambda frame: mutate(frame, kind, column, (dtype, odd), seed)


def mutate(frame: pl.DataFrame, kind: str, column: str, put: tuple[Any, Any], seed: int) -> pl.DataFrame:
    dtype, odd = put
    some = pl.int_range(pl.len()) % 3 == seed % 3
    changed = {
        "drop": lambda: frame.drop(column),
        "rename": lambda: frame.rename({column: column.upper()}),
        "retype": lambda: retyped(frame, column, dtype),
        "nulls": lambda: frame.with_columns(pl.when(some).then(None).otherwise(pl.col(column)).alias(column)),
        "odd": lambda: spoilt(frame, column, odd, some),
        "repeat": lambda: pl.concat([frame, frame.head(5)]),
        "none": lambda: frame.head(0),
        "permute": lambda: frame.sample(fraction=1, shuffle=True, seed=seed),
        "garbage": lambda: frame.with_columns(
            pl.when(some).then(pl.lit(b"\xff\xfe\x00")).otherwise(pl.lit(b"fine")).alias(column)
        ),
        "extra": lambda: frame.with_columns(pl.lit(1).alias("service ")),
    }
    return changed[kind]()


def retyped(frame: pl.DataFrame, column: str, dtype: Any) -> pl.DataFrame:
    try:
        return frame.with_columns(pl.col(column).cast(dtype, strict=False))
    except pl.exceptions.PolarsError:
        return frame.with_columns(pl.lit(None, dtype=dtype).alias(column))


def spoilt(frame: pl.DataFrame, column: str, odd: Any, some: pl.Expr) -> pl.DataFrame:
    kind = frame[column].dtype
    if isinstance(odd, str) and kind != pl.String:
        frame = frame.with_columns(pl.col(column).cast(pl.String))
    if isinstance(odd, int) and kind == pl.String:
        odd = str(odd)
    if isinstance(odd, float) and kind != pl.Float64:
        frame = frame.with_columns(pl.col(column).cast(pl.Float64, strict=False))
    return frame.with_columns(pl.when(some).then(pl.lit(odd)).otherwise(pl.col(column)).alias(column))


@FEW
@given(change=mutations(), seed=st.integers(0, 9))
def test_a_mutated_table_is_read_or_named_and_its_order_never_matters(
    small: Case, change: tuple[str, Any], seed: int
) -> None:
    name, apply = change
    case = small.with_table(name, apply(small.tables[name]))
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        folder = case.write(Path(one))
        checked(folder)
        seen, again = outcome(folder), outcome(case.shuffled(seed).write(Path(other)))
        assert isinstance(seen, Observation) == isinstance(again, Observation)
        if isinstance(seen, Observation) and isinstance(again, Observation):
            assert_same(seen, again)


@FEW
@given(data=st.data())
def test_a_file_with_damaged_bytes_is_read_or_named(small: Case, data: st.DataObject) -> None:
    with TemporaryDirectory() as home:
        folder = small.write(Path(home))
        file = folder / data.draw(st.sampled_from(sorted(path.name for path in folder.iterdir())))
        content = bytearray(file.read_bytes())
        if data.draw(st.booleans(), label="truncate"):
            content = content[: data.draw(st.integers(0, len(content) - 1))]
        else:
            for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
                content[at] = data.draw(st.integers(0, 255))
        file.write_bytes(content)
        checked(folder)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "edges", "alerts", "window", "name", "ts"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
FIELDS = [
    "id",
    "t_inject",
    "window",
    "modalities",
    "baseline",
    "other_fault_times",
    "alert",
    "metric_interval_s",
]


@FEW
@given(
    name=st.sampled_from(["case", "topology", "alerts", "changes"]), field=st.sampled_from(FIELDS), value=JSON
)
def test_a_document_of_any_shape_is_read_or_named(small: Case, name: str, field: str, value: Any) -> None:
    case = small.with_facts(**{field: value}) if name == "case" else small.with_document(name, value)
    with TemporaryDirectory() as home:
        checked(case.write(Path(home)))
