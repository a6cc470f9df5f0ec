"""Turning rows of series into columns, and rows into sums: sixteen by sixteen values in registers, since single stores would cost more than learning.

References
----------
Eklundh, A fast computer method for matrix transposing, 1972 (swap blocks of halving size).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

from sre_copilot.cognition.baselines.lanes import LANES, LEAF, VECTOR, past_the_cache, place, sixteen

_compiled: Any = intrinsic  # called without the first argument, which its types do not know
TILE = LANES


def _turner(*, streamed: bool) -> Any:
    """Make `turn_tile`, or the one whose target is written past the cache: no line of it is read before, each begins where one does."""

    def turn(typing: Any, source: Any, at: Any, width: Any, target: Any, to: Any, step: Any) -> Any:  # noqa: PLR0917
        """Turn sixteen rows, `width` apart from the flat offset `at` on, into columns: rows of the target, `step` apart from `to` on."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows = _rows(context, builder, signature.args[0], *arguments[:3])
            target = place(context, builder, signature.args[3], *arguments[3:5])
            write_turned(builder, rows, target, arguments[5], streamed=streamed)
            return context.get_dummy_value()

        whole = types.int64
        return types.void(source, whole, whole, target, whole, whole), generate

    return _compiled(turn)


turn_tile = _turner(streamed=False)
stream_tile = _turner(streamed=True)


@_compiled  # type: ignore[untyped-decorator]
def sum_tile(typing: Any, source: Any, at: Any, width: Any) -> Any:
    """Sums of sixteen rows, `width` apart from the flat offset `at` on: the sum of row k in lane k."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = _rows(context, builder, signature.args[0], *arguments)
        for step in (1, 2, 4, 8):
            pairs = [(rows[k], rows[k + 1]) for k in range(0, len(rows), 2)]
            rows = [builder.fadd(*_swapped(builder, *pair, step)) for pair in pairs]
        return rows[0]

    return sixteen(source, types.int64, types.int64), generate


def write_turned(builder: Any, rows: list[Any], target: Any, step: Any, *, streamed: bool) -> None:
    """Write sixteen registers as the columns of sixteen rows, `step` apart from the target on."""
    for k, row in enumerate(_turned(builder, rows)):
        pointer = builder.gep(target, [builder.mul(step, ir.Constant(step.type, k))])
        there = builder.bitcast(pointer, VECTOR.as_pointer())
        stored = builder.store(row, there, align=4 * LANES if streamed else 4)
        if streamed:
            past_the_cache(builder, stored)


def _rows(context: Any, builder: Any, kind: Any, array: Any, at: Any, width: Any) -> list[Any]:  # noqa: PLR0917
    pointers = (place(context, builder, kind, array, _moved(builder, at, width, k)) for k in range(TILE))
    return [builder.load(builder.bitcast(each, VECTOR.as_pointer()), align=4) for each in pointers]


def _moved(builder: Any, offset: Any, width: Any, rows: int) -> Any:
    return builder.add(offset, builder.mul(width, ir.Constant(width.type, rows)))


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Swap the off-diagonal blocks of size 1, 2, 4 and 8."""
    for step in (1, 2, 4, 8):
        for k in (k for k in range(TILE) if not k & step):
            rows[k], rows[k + step] = _swapped(builder, rows[k], rows[k + step], step)
    return rows


def _swapped(builder: Any, upper: Any, lower: Any, step: int) -> tuple[Any, Any]:
    """Swap the odd blocks of `step` lanes of the upper row with the even ones of the lower."""
    first = [lane if not lane & step else TILE + lane - step for lane in range(TILE)]
    second = [lane + step if not lane & step else TILE + lane for lane in range(TILE)]
    return tuple(builder.shuffle_vector(upper, lower, _mask(order)) for order in (first, second))


def _mask(lanes: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), TILE), lanes)


@njit(**LEAF)
def turn(rows, series, slots, first, result, column):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Write rows of series, sixteen by sixteen, slot 0 at `first` of a day, as columns from `column` on, slot 0 at midnight.

    `rows` and `result` have rows of whole registers; `rows` may be longer than `slots`. Lines that lie side by side in the result are written
    soon after one another, which memory takes in faster than single ones.
    """
    width, step = rows.shape[1], result.shape[1]
    for start in range(0, slots, TILE):
        at = start + first - (slots if start + first >= slots else 0)
        for row in range(0, series, TILE):
            if start + TILE <= slots and at + TILE <= slots:
                stream_tile(rows, row * width + start, width, result, at * step + column + row, step)
                continue
            for slot in range(start, min(start + TILE, slots)):
                to = slot + first - (slots if slot + first >= slots else 0)
                for one in range(row, row + TILE):
                    result[to, column + one] = rows[one, slot]
