"""Turning rows of series into columns: sixteen by sixteen values are turned in registers, since single stores would cost more than learning.

References
----------
Eklundh, A fast computer method for matrix transposing, 1972 (swap blocks of halving size).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

_compiled: Any = intrinsic  # called without the first argument, which its types do not know
TILE = 16  # float32 values of a 512-bit register; LLVM splits them where registers are narrower


@_compiled  # type: ignore[untyped-decorator]
def turn_tile(typing: Any, source: Any, source_at: Any, target: Any, target_at: Any) -> Any:
    """Turn the tile whose first value is `source[source_at]` of two C-ordered arrays of two dimensions (flat offsets)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.FloatType(), TILE)
        read = context.make_array(signature.args[0])(context, builder, arguments[0])
        write = context.make_array(signature.args[2])(context, builder, arguments[2])
        rows = [builder.load(_place(builder, read, arguments[1], k, vector), align=4) for k in range(TILE)]
        for k, row in enumerate(_turned(builder, rows)):
            builder.store(row, _place(builder, write, arguments[3], k, vector), align=4)
        return context.get_dummy_value()

    return types.void(source, source_at, target, target_at), generate


@_compiled  # type: ignore[untyped-decorator]
def add_scaled(  # noqa: PLR0917
    typing: Any,
    target: Any,
    target_at: Any,
    first: Any,
    first_at: Any,
    second: Any,
    second_at: Any,
    factor: Any,
) -> Any:
    """Write `first + factor * second` of sixteen values to `target`; places are flat offsets, and stretches may be the same."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.FloatType(), TILE)
        places = [
            _place(
                builder,
                context.make_array(signature.args[k])(context, builder, arguments[k]),
                arguments[k + 1],
                0,
                vector,
            )
            for k in (0, 2, 4)
        ]
        undefined = ir.Constant(vector, ir.Undefined)
        lane = builder.insert_element(undefined, arguments[6], ir.Constant(ir.IntType(32), 0))
        factors = builder.shuffle_vector(lane, undefined, _mask([0] * TILE))
        a, b = builder.load(places[1], align=4), builder.load(places[2], align=4)
        builder.store(_joined(builder, b, factors, a), places[0], align=4)
        return context.get_dummy_value()

    return types.void(target, target_at, first, first_at, second, second_at, factor), generate


@_compiled  # type: ignore[untyped-decorator]
def add_product(  # noqa: PLR0917
    typing: Any, target: Any, target_at: Any, first: Any, first_at: Any, second: Any, second_at: Any
) -> Any:
    """Add `first * second` of sixteen values to `target`; places are flat offsets."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.FloatType(), TILE)
        places = [
            _place(
                builder,
                context.make_array(signature.args[k])(context, builder, arguments[k]),
                arguments[k + 1],
                0,
                vector,
            )
            for k in (0, 2, 4)
        ]
        total, a, b = (builder.load(place, align=4) for place in places)
        builder.store(_joined(builder, a, b, total), places[0], align=4)
        return context.get_dummy_value()

    return types.void(target, target_at, first, first_at, second, second_at), generate


def _joined(builder: Any, first: Any, second: Any, third: Any) -> Any:
    """`first * second + third`, in one instruction where the machine has it."""
    product = builder.fmul(first, second, flags=("contract",))
    return builder.fadd(product, third, flags=("contract",))


def _place(builder: Any, array: Any, offset: Any, row: int, vector: Any) -> Any:
    """Pointer to the values of a row of the tile; `offset` is of its first value."""
    strides = builder.extract_value(array.strides, 0)
    first = builder.gep(array.data, [offset])
    raw = builder.bitcast(first, ir.IntType(8).as_pointer())
    moved = builder.gep(raw, [builder.mul(strides, ir.Constant(strides.type, row))])
    return builder.bitcast(moved, vector.as_pointer())


def _turned(builder: Any, rows: list[Any]) -> list[Any]:
    """Swap the off-diagonal blocks of size 1, 2, 4 and 8."""
    for step in (1, 2, 4, 8):
        for k in (k for k in range(TILE) if not k & step):
            upper, lower = rows[k], rows[k + step]
            first = [lane if not lane & step else TILE + lane - step for lane in range(TILE)]
            second = [lane + step if not lane & step else TILE + lane for lane in range(TILE)]
            rows[k] = builder.shuffle_vector(upper, lower, _mask(first))
            rows[k + step] = builder.shuffle_vector(upper, lower, _mask(second))
    return rows


def _mask(lanes: list[int]) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), TILE), lanes)


@njit(cache=True, error_model="numpy")
def turn(rows, first, block, result):  # type: ignore[no-untyped-def]
    """Write (series, slots), slot 0 at `first` of a day, as columns of (slots, n) from column `block`, slot 0 at midnight."""
    series, slots = rows.shape
    whole = series // TILE * TILE
    for start in range(0, slots, TILE):
        at = start + first - (slots if start + first >= slots else 0)
        tiled = start + TILE <= slots and at + TILE <= slots
        if tiled:
            for one in range(0, whole, TILE):
                turn_tile(rows, one * slots + start, result, at * result.shape[1] + block + one)
        for slot in range(start, min(start + TILE, slots)):
            at = slot + first - (slots if slot + first >= slots else 0)
            for one in range(whole if tiled else 0, series):
                result[at, block + one] = rows[one, slot]
