from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.perception.promql.decode import Decoded, MatrixDecoder

START, STEP, WIDTH = 1_700_000_000, 60, 40


def decode(
    text: bytes, *, size: int = 1 << 16, start: int = START, step: int = STEP, width: int = WIDTH
) -> Decoded:
    decoder = MatrixDecoder(start=start, step_seconds=step, width=width)
    for i in range(0, len(text), size):
        decoder.feed(text[i : i + size])
        decoder._read()  # every cut is a place where a piece may end
    return decoder.finish()


def by_json(document: Any) -> np.ndarray:
    rows = np.full((len(document["data"]["result"]), WIDTH), np.nan, np.float32)
    with np.errstate(over="ignore"):
        for row, series in zip(rows, document["data"]["result"], strict=True):
            for time, value in series["values"]:
                row[round((time - START) / STEP)] = np.float32(float(value.replace("Inf", "inf")))
    return rows


def written(value: float) -> str:
    """A number as Go writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)


numbers = st.one_of(
    st.floats(),
    st.floats(width=32),
    st.integers(-(2**63), 2**63).map(float),
    st.sampled_from([0.1, -0.0, 1e22, 1e23, 5e-324, 1.17549435e-38, 3.4028235e38, 16777217.0, math.inf]),
)
series = st.fixed_dictionaries(
    {
        "metric": st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=12), max_size=4),
        "values": st.dictionaries(st.integers(0, WIDTH - 1), numbers, max_size=6).map(
            lambda found: [[START + STEP * i, written(found[i])] for i in sorted(found)]
        ),
    }
)
documents = st.lists(series, max_size=5).map(
    lambda found: {"status": "success", "data": {"resultType": "matrix", "result": found}}
)


@settings(max_examples=150, deadline=None)
@given(documents, st.integers(1, 200), st.booleans(), st.booleans())
def test_it_reads_what_json_reads_wherever_the_bytes_are_cut(
    document: Any, size: int, spaced: bool, escaped: bool
) -> None:
    text = json.dumps(document, ensure_ascii=escaped, indent=1 if spaced else None).encode()
    decoded = decode(text, size=size)
    assert list(decoded.labels) == [each["metric"] for each in document["data"]["result"]]
    np.testing.assert_array_equal(decoded.values, by_json(document))


@settings(max_examples=300, deadline=None)
@given(numbers, st.sampled_from(["r", ".20g", ".25f", ".3e"]))
def test_a_number_is_the_nearest_float32_of_its_double(value: float, form: str) -> None:
    text = written(value) if form == "r" or not math.isfinite(value) else format(value, form)
    with np.errstate(over="ignore"):
        expected = np.float32(float(text.replace("Inf", "inf")))
    body = f'{{"data":{{"result":[{{"metric":{{}},"values":[[{START},"{text}"]]}}]}}}}'
    np.testing.assert_array_equal(decode(body.encode()).values[0, 0], expected)


def test_halfway_between_two_float32_the_double_decides() -> None:
    halfway = "1.00000005960464477539062500000000000001"  # just above 1 + 2^-24, and its double is just that
    body = f'{{"data":{{"result":[{{"metric":{{}},"values":[[{START},"{halfway}"]]}}]}}}}'
    assert decode(body.encode()).values[0, 0] == np.float32(float(halfway))


def test_a_label_named_values_is_a_label() -> None:
    labels = {"values": "x", "a": '"values":[[1,"2"]]'}
    document = {"data": {"result": [{"metric": labels, "values": [[START, "3"]]}]}}
    decoded = decode(json.dumps(document).encode(), size=7)
    assert decoded.labels == (labels,)
    assert decoded.values[0, 0] == 3


def test_keys_in_another_order_and_values_before_labels_are_read() -> None:
    text = f'{{"data":{{"result":[{{"values":[[{START},"1"]],"metric":{{"a":"b"}}}}],"resultType":"matrix"}},"warnings":["w"]}}'
    decoded = decode(text.encode())
    assert decoded.labels == ({"a": "b"},)
    assert decoded.document["warnings"] == ["w"]


def test_fractions_of_a_second_are_read() -> None:
    text = f'{{"data":{{"result":[{{"metric":{{}},"values":[[{START}.000,"1"],[{START + 60}.0,"2"]]}}]}}}}'
    np.testing.assert_array_equal(decode(text.encode()).values[0, :2], [1, 2])


def test_many_series_fit() -> None:
    result = [{"metric": {"i": str(i)}, "values": [[START + STEP, str(i)]]} for i in range(100)]
    decoded = decode(json.dumps({"data": {"result": result}}).encode(), size=999)
    np.testing.assert_array_equal(decoded.values[:, 1], np.arange(100))


def test_more_series_than_allowed_overflow() -> None:
    result = [{"metric": {"i": str(i)}, "values": [[START, "1"]]} for i in range(100)]
    decoder = MatrixDecoder(start=START, step_seconds=STEP, width=WIDTH, most=50)
    with pytest.raises(OverflowError):  # noqa: PT012 - it may come early or late
        decoder.feed(json.dumps({"data": {"result": result}}).encode())
        decoder.finish()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (f'[[{START + 1},"1"]]', "not asked for"),
        (f'[[{START - 60},"1"]]', "not asked for"),
        (f'[[{START + STEP * WIDTH},"1"]]', "not asked for"),
        (f'[[{START},"one"]]', "no sample"),
        (f"[[{START},1]]", "no sample"),
        (f'[[{START},"1"', "no sample"),
        ('[["x","1"]]', "no sample"),
        ('[1,"1"]', "no sample"),
        (f'[[{START},"1","2"]]', "no sample"),
        (f'[[{START},"1e"]]', "no sample"),
        (f'[[{START},"--1"]]', "no sample"),
        (f'[[{START},"."]]', "no sample"),
        (f'[[{START},""]]', "no sample"),
    ],
)
def test_what_is_no_answer_is_an_error(values: str, words: str) -> None:
    text = f'{{"data":{{"result":[{{"metric":{{}},"values":{values}}}]}}}}'.encode()
    for size in (1, 5, 1000):
        with pytest.raises(ValueError, match=words):
            decode(text, size=size)


@pytest.mark.parametrize(
    "text",
    ["", "<html>log in</html>", "[]", "{}", '{"data":{"result":[1]}}', '{"data":{"result":"x"}}', "null"],
)
def test_another_document_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(text.encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_are_read_or_refused(noise: bytes, size: int) -> None:
    begin = b'{"data":{"result":[{"metric":{},"values":[[1700000000,"1'
    for text in (noise, begin + noise):
        try:
            decoded = decode(text, size=size)
        except ValueError:
            continue
        assert decoded.values.shape[1] == WIDTH


def test_the_golden_answers_are_read_as_json_reads_them() -> None:
    folder = os.environ.get("SRE_COPILOT_CONTRACTS")
    if not folder:
        pytest.skip("SRE_COPILOT_CONTRACTS names no folder of golden answers")
    examples = json.loads((Path(folder) / "prometheus/api_v1_examples.json").read_text(encoding="utf-8"))
    for method in ("GET", "POST"):
        answer = examples[f"{method} /query_range"]["responses"]["200"]["application/json"]["matrixResult"]
        result = answer["data"]["result"]
        times = [time for each in result for time, _ in each["values"]]
        span = max(times) - min(times)
        decoded = decode(json.dumps(answer).encode(), start=min(times), step=1, width=span + 1)
        assert list(decoded.labels) == [each["metric"] for each in result]
        for row, each in zip(decoded.values, result, strict=True):
            assert {int(i) + min(times) for i in np.flatnonzero(~np.isnan(row))} == {
                t for t, _ in each["values"]
            }
            for time, value in each["values"]:
                assert row[time - min(times)] == np.float32(value)
