"""Sixteen float32 as one value of a kernel: what a loop does to each of sixteen slots or series is written as one operation.

Loops over such values compile in a fraction of the time that turning plain loops into vectors takes, and never fall back to single values.
LLVM splits a value where registers are narrower than 512 bits.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import typing as numba_typing
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

# Of loops that count no references, which would cost more than what is counted; they cannot make arrays.
BARE: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
# Of functions that only other kernels call: no entry from Python is compiled for them.
LEAF: dict[str, Any] = BARE | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
# Of those that one place calls for some hundred values: a call would pass dozens of array fields, and compile the code twice.
INSIDE: dict[str, Any] = LEAF | {"inline": "always"}
LANES = 16  # float32 values in one 512-bit register, and in one line of the cache
VECTOR = ir.VectorType(ir.FloatType(), LANES)
FUSED = ("contract",)  # a product and a sum may become one instruction

Build = Callable[..., Any]
_compiled: Any = intrinsic  # called without the first argument, which its types do not know
_registered: Any = register_model
_infer: Any = infer_global
_lower: Any = lower_builtin
_signature: Any = numba_typing.signature  # type: ignore[attr-defined]


class Sixteen(types.Type):
    """The type of sixteen float32 in a kernel."""

    def __init__(self) -> None:
        super().__init__(name="sixteen_float32")


sixteen: Any = Sixteen()


@_registered(Sixteen)
class _SixteenModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, VECTOR)  # type: ignore[no-untyped-call]


def _operator(symbol: Any, build: str) -> None:
    """Let the operator of Python work on two values, lane by lane."""

    class Both(AbstractTemplate):
        def generic(self, arguments: Any, _named: Any) -> Any:
            return _signature(sixteen, *arguments) if arguments == (sixteen, sixteen) else None

    def lower(_context: Any, builder: Any, _kind: Any, arguments: Any) -> Any:
        return getattr(builder, build)(*arguments, flags=FUSED)

    _infer(symbol)(Both)
    _lower(symbol, Sixteen, Sixteen)(lower)


for _symbol, _build in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _operator(_symbol, _build)


def constant(value: float) -> Any:
    """Return sixteen times a constant, for code that is made."""
    return ir.Constant(VECTOR, [ir.Constant(ir.FloatType(), value)] * LANES)


def place(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    """Return the pointer to the value at a flat offset of an array of contiguous rows."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [offset])


def spread_out(builder: Any, value: Any) -> Any:
    """Return sixteen times one float32."""
    undefined = ir.Constant(VECTOR, ir.Undefined)
    lane = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        lane, undefined, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    )


def _known(builder: Any, value: Any) -> Any:
    """Mask of the lanes that are finite."""
    return builder.fcmp_ordered("<", _absolute(builder, value), constant(float("inf")))


def first_mask(builder: Any, count: Any) -> Any:
    """Mask of the first `count` lanes."""
    whole = ir.VectorType(ir.IntType(32), LANES)
    number = builder.bitcast(builder.trunc(count, ir.IntType(32)), ir.FloatType())
    limit = builder.bitcast(spread_out(builder, number), whole)
    return builder.icmp_signed("<", ir.Constant(whole, list(range(LANES))), limit)


def _absolute(builder: Any, value: Any) -> Any:
    whole = ir.VectorType(ir.IntType(32), LANES)
    mask = ir.Constant(whole, [0x7FFFFFFF] * LANES)
    return builder.bitcast(builder.and_(builder.bitcast(value, whole), mask), VECTOR)


def read(builder: Any, pointer: Any) -> Any:
    """Read sixteen values from a pointer on."""
    return builder.load(builder.bitcast(pointer, VECTOR.as_pointer()), align=4)


def read_first(builder: Any, pointer: Any, inside: Any) -> Any:
    """Read the lanes of a mask from a pointer on, and 0 for the others, which need not be there."""
    there = builder.bitcast(pointer, VECTOR.as_pointer())
    number = ir.IntType(32)
    kind = ir.FunctionType(VECTOR, [there.type, number, inside.type, VECTOR])
    return builder.call(
        declared(builder, kind, "llvm.masked.load.v16f32.p0"), [there, number(4), inside, constant(0.0)]
    )


def declared(builder: Any, kind: Any, name: str) -> Any:
    """Return a function of LLVM itself."""
    return builder.module.globals.get(name) or ir.Function(builder.module, kind, name)


@_compiled  # type: ignore[untyped-decorator]
def load(typing: Any, array: Any, offset: Any) -> Any:
    """Read sixteen values from a flat offset on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return read(builder, place(context, builder, signature.args[0], *arguments))

    return sixteen(array, types.int64), generate


@_compiled  # type: ignore[untyped-decorator]
def load_first(typing: Any, array: Any, offset: Any, count: Any) -> Any:
    """Read the first `count` values from a flat offset on, and 0 for the others, which need not be there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = place(context, builder, signature.args[0], *arguments[:2])
        return read_first(builder, pointer, first_mask(builder, arguments[2]))

    return sixteen(array, types.int64, types.int64), generate


@_compiled  # type: ignore[untyped-decorator]
def item(typing: Any, array: Any, offset: Any) -> Any:
    """Read one value at a flat offset, which is never negative: brackets would count such ones from the end."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(place(context, builder, signature.args[0], *arguments))

    return array.dtype(array, types.int64), generate


@_compiled  # type: ignore[untyped-decorator]
def load_full(typing: Any, array: Any, offset: Any) -> Any:
    """Sixteen times the value at a flat offset."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return spread_out(builder, builder.load(place(context, builder, signature.args[0], *arguments)))

    return sixteen(array, types.int64), generate


@_compiled  # type: ignore[untyped-decorator]
def store(typing: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write sixteen values from a flat offset on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = place(context, builder, signature.args[0], arguments[0], arguments[1])
        builder.store(arguments[2], builder.bitcast(pointer, VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, value), generate


def past_the_cache(builder: Any, stored: Any) -> None:
    """Let a store of a whole line not read the line before, nor keep it."""
    one = ir.Constant(ir.IntType(32), 1)
    stored.set_metadata("nontemporal", builder.module.add_metadata([one]))


@_compiled  # type: ignore[untyped-decorator]
def stream(typing: Any, array: Any, offset: Any, spare: Any, other: Any, value: Any) -> Any:  # noqa: PLR0917
    """Write sixteen values to a whole line of the cache, past it; where the offset is negative to that of `spare`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = place(context, builder, signature.args[0], *arguments[:2])
        instead = place(context, builder, signature.args[2], *arguments[2:4])
        early = builder.icmp_signed("<", arguments[1], arguments[1].type(0))
        there = builder.bitcast(builder.select(early, instead, pointer), VECTOR.as_pointer())
        past_the_cache(builder, builder.store(arguments[4], there, align=4 * LANES))
        return context.get_dummy_value()

    return types.void(array, types.int64, spare, types.int64, value), generate


@_compiled  # type: ignore[untyped-decorator]
def fetch(typing: Any, array: Any, offset: Any) -> Any:
    """Ask for the line of the cache that holds a flat offset, which is read later."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = place(context, builder, signature.args[0], *arguments)
        raw = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [raw.type, number, number, number])
        builder.call(declared(builder, kind, "llvm.prefetch.p0"), [raw, number(0), number(2), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@_compiled  # type: ignore[untyped-decorator]
def full(typing: Any, value: Any) -> Any:
    """Sixteen times one value."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return spread_out(builder, arguments[0])

    return sixteen(types.float32), generate


def least_of(builder: Any, a: Any, b: Any) -> Any:
    """The smaller of each lane; the second where one is NaN."""
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def most_of(builder: Any, a: Any, b: Any) -> Any:
    """The larger of each lane; the second where one is NaN."""
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


@_compiled  # type: ignore[untyped-decorator]
def least(typing: Any, a: Any, b: Any) -> Any:
    """The smaller of each lane; the second where one is NaN."""
    return sixteen(a, b), lambda _context, builder, _signature, both: least_of(builder, *both)


@_compiled  # type: ignore[untyped-decorator]
def most(typing: Any, a: Any, b: Any) -> Any:
    """The larger of each lane; the second where one is NaN."""
    return sixteen(a, b), lambda _context, builder, _signature, both: most_of(builder, *both)


@_compiled  # type: ignore[untyped-decorator]
def absolute(typing: Any, a: Any) -> Any:
    """Each lane without its sign."""
    return sixteen(a), lambda _context, builder, _signature, one: _absolute(builder, *one)


@_compiled  # type: ignore[untyped-decorator]
def known_or(typing: Any, a: Any, other: Any) -> Any:
    """Each lane that is finite, else that of `other`."""
    return sixteen(a, other), lambda _context, builder, _signature, both: builder.select(
        _known(builder, both[0]), *both
    )


@_compiled  # type: ignore[untyped-decorator]
def where_known(typing: Any, a: Any, yes: Any, no: Any) -> Any:
    """`yes` where `a` is finite, else `no`."""
    return sixteen(a, yes, no), lambda _context, builder, _signature, three: builder.select(
        _known(builder, three[0]), *three[1:]
    )


@_compiled  # type: ignore[untyped-decorator]
def where_above(typing: Any, a: Any, limit: Any, yes: Any, no: Any) -> Any:
    """`yes` where `a` exceeds `limit`, else `no`, also where one of the two is NaN."""
    return sixteen(a, limit, yes, no), lambda _context, builder, _signature, four: builder.select(
        builder.fcmp_ordered(">", four[0], four[1]), *four[2:]
    )


@_compiled  # type: ignore[untyped-decorator]
def where_within(typing: Any, a: Any, limit: Any, yes: Any, no: Any) -> Any:
    """`yes` where `a` is at most `limit`, else `no`, also where one of the two is NaN."""
    return sixteen(a, limit, yes, no), lambda _context, builder, _signature, four: builder.select(
        builder.fcmp_ordered("<=", four[0], four[1]), *four[2:]
    )


@_compiled  # type: ignore[untyped-decorator]
def first_lanes(typing: Any, a: Any, count: Any) -> Any:
    """The first `count` lanes, and 0 in the others."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(first_mask(builder, arguments[1]), arguments[0], constant(0.0))

    return sixteen(a, types.int64), generate


@_compiled  # type: ignore[untyped-decorator]
def joined(typing: Any, a: Any, b: Any, count: Any) -> Any:
    """The first `count` lanes of `a`, and the others of `b`."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.select(first_mask(builder, arguments[2]), *arguments[:2])

    return sixteen(a, b, types.int64), generate


@_compiled  # type: ignore[untyped-decorator]
def rolled(typing: Any, a: Any, by: Any) -> Any:
    """Each lane's neighbour `by` lanes earlier, 0 to 15, the first ones from the end."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        number, value = ir.IntType(32), arguments[0]
        whole = ir.VectorType(number, LANES)
        by = builder.trunc(arguments[1], number)
        if "+avx512f" in context.codegen().magic_tuple()[2]:
            spread = builder.bitcast(spread_out(builder, builder.bitcast(by, ir.FloatType())), whole)
            kind = ir.FunctionType(VECTOR, [VECTOR, whole])
            order = builder.sub(ir.Constant(whole, list(range(LANES))), spread)
            return builder.call(declared(builder, kind, "llvm.x86.avx512.permvar.sf.512"), [value, order])
        for bit in (1, 2, 4, 8):
            order = ir.Constant(whole, [(lane - bit) % LANES for lane in range(LANES)])
            turned = builder.shuffle_vector(value, value, order)
            set_ = builder.icmp_unsigned("!=", builder.and_(by, number(bit)), number(0))
            value = builder.select(set_, turned, value)
        return value

    return sixteen(a, types.int64), generate


@_compiled  # type: ignore[untyped-decorator]
def total(typing: Any, a: Any) -> Any:
    """Sum of all lanes; not finite where a lane is not."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        value, number = arguments[0], ir.IntType(32)
        for width in (8, 4, 2, 1):
            order = [(lane + width) % LANES for lane in range(LANES)]
            mask = ir.Constant(ir.VectorType(number, LANES), order)
            value = builder.fadd(value, builder.shuffle_vector(value, value, mask))
        return builder.extract_element(value, number(0))

    return types.float32(a), generate


@_compiled(prefer_literal=True)  # type: ignore[untyped-decorator]
def moved_up(typing: Any, before: Any, a: Any, by: Any) -> Any:
    """Each lane's neighbour `by` (a literal) lanes earlier, the first ones from the end of `before`."""
    count = getattr(by, "literal_value", None)
    if count is None:
        return None

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        order = [LANES + lane - count for lane in range(LANES)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), LANES), order)
        return builder.shuffle_vector(arguments[0], arguments[1], mask)

    return sixteen(before, a, by), generate
