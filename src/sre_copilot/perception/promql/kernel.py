"""The machine code behind `prometheus_decode`: from bytes to cells.

All of it is in one file, for a compiled kernel is renewed when its own file changes. The functions that read one sample, `[time,"number"]`, take a place and returns the place after what it read, or `WRONG` where something else stands there, or `CUT` where the bytes end
too early to tell; given one of these two, it returns it. They are put into their caller: a call with an array takes longer than reading a digit.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sre_copilot.domain.series import Values

WRONG, CUT = -1, -2
Bytes = NDArray[np.uint8]
State = NDArray[np.int64]

DONE, CLOSED, MORE_ROWS, DOUBTFUL, NOT_A_SAMPLE, OFF_GRID = range(6)
"""Why a kernel stopped."""
NULL = np.frombuffer(b'"values":null', np.uint8)
"""What is kept in place of a list of values."""
_KEY = np.frombuffer(b'"values"', np.uint8)
_NEVER = -(2**62)  # ms; no server answers for such a time

_POWERS = np.array([10.0**i for i in range(309)])
_EXACT_POWER = 22  # 10^22 is the last power of ten that a double holds exactly
_EXACT_WHOLE = 2**53  # up to here a double holds every whole number
_DIGITS = 19  # as many as surely fit in 64 bits; later ones are below the error that is allowed for
_SAFE = 2.0**-50  # more than the relative error of mantissa * power in doubles (three roundings of 2^-53)


@njit(cache=True, nogil=True, inline="always")
def skip_space(data: Bytes, at: int) -> int:
    """The next byte that is no white space."""
    while at < data.size and data[at] <= 32:
        at += 1
    return at


@njit(cache=True, nogil=True, inline="always")
def expect(data: Bytes, at: int, mark: int) -> int:
    """After the byte `mark`, with white space before it."""
    if at < 0:
        return at
    at = skip_space(data, at)
    if at >= data.size:
        return CUT
    return at + 1 if data[at] == mark else WRONG


@njit(cache=True, nogil=True)
def sample(data: Bytes, at: int) -> tuple[int, int, int, int, float, bool]:
    """One sample: where it ends, its time in ms, the place of its number, the number, and whether its float32 is beyond doubt."""
    moment, end = milliseconds(data, expect(data, at, 91))  # [
    first = expect(data, expect(data, end, 44), 34)  # , "
    value, last, sure = number(data, first)
    end = expect(data, expect(data, last, 34), 93)  # " ]
    return end, moment, first, last, value, sure


@njit(cache=True, nogil=True, inline="always")
def milliseconds(data: Bytes, at: int) -> tuple[int, int]:
    """A time in seconds, with up to three decimals."""
    if at < 0:
        return 0, at
    size = data.size
    at = skip_space(data, at)
    sign = 1
    if at < size and data[at] == 45:
        sign = -1
        at += 1
    begin = at
    whole = 0
    while at < size and 48 <= data[at] <= 57:
        whole = whole * 10 + (data[at] - 48)
        at += 1
    if at == begin:
        return 0, CUT if at >= size else WRONG
    whole *= 1000
    if at < size and data[at] == 46:
        unit = 100
        at += 1
        while at < size and 48 <= data[at] <= 57:
            whole += unit * (data[at] - 48)
            unit //= 10
            at += 1
    return sign * whole, at


@njit(cache=True, nogil=True, inline="always")
def number(data: Bytes, at: int) -> tuple[float, int, bool]:
    """A number as servers write it (`1.5e+06`, `NaN`, `+Inf`), and whether its float32 is beyond doubt."""
    if at < 0 or at >= data.size:
        return 0.0, at if at < 0 else CUT, False
    size = data.size
    negative = data[at] == 45
    if negative or data[at] == 43:
        at += 1
    begin = at
    mantissa, exponent, digits, dots = np.uint64(0), 0, 0, 0
    while at < size:
        byte = data[at]
        if 48 <= byte <= 57:
            if digits < _DIGITS:
                mantissa = mantissa * np.uint64(10) + np.uint64(byte - 48)
                digits += mantissa != 0
                exponent -= dots
            else:
                exponent += 1 - dots
        elif byte == 46 and dots == 0:
            dots = 1
        else:
            break
        at += 1
    if at - begin == dots:
        return _word(data, at, negative)
    if at < size and (data[at] | 32) == 101:
        shift, at = _exponent(data, at + 1)
        exponent += shift
    value, sure = scaled(mantissa, exponent)
    return -value if negative else value, at, sure


@njit(cache=True, nogil=True, inline="always")
def _exponent(data: Bytes, at: int) -> tuple[int, int]:
    size = data.size
    sign = 1
    if at < size and (data[at] == 45 or data[at] == 43):
        sign = 44 - data[at]
        at += 1
    begin = at
    value = 0
    while at < size and 48 <= data[at] <= 57:
        value = min(10 * value + (data[at] - 48), 9999)
        at += 1
    if at == begin:
        at = CUT if at >= size else WRONG
    return sign * value, at


@njit(cache=True, nogil=True, inline="always")
def _word(data: Bytes, at: int, negative: bool) -> tuple[float, int, bool]:
    """`NaN` or `Inf`."""
    if at + 3 > data.size:
        return 0.0, CUT, False
    first, second, third = data[at] | 32, data[at + 1] | 32, data[at + 2] | 32
    if first == 110 and second == 97 and third == 110:
        return np.nan, at + 3, True
    if first == 105 and second == 110 and third == 102:
        return -np.inf if negative else np.inf, at + 3, True
    return 0.0, WRONG, False


@njit(cache=True, nogil=True, inline="always")
def scaled(mantissa: np.uint64, exponent: int) -> tuple[float, bool]:
    """`mantissa * 10^exponent`, and whether its float32 is that of the exact product.

    A mantissa and a power that are exact doubles give the double nearest to the product. Else the error is known, and the float32
    is beyond doubt when both ends of what the product may be have the same.
    """
    if mantissa == 0:
        return 0.0, True
    if exponent > 308 or exponent < -308:  # with 19 digits at most: far out of the range of a float32
        return np.inf if exponent > 0 else 0.0, True
    value = float(mantissa)
    value = value * _POWERS[exponent] if exponent >= 0 else value / _POWERS[-exponent]
    if mantissa <= _EXACT_WHOLE and -_EXACT_POWER <= exponent <= _EXACT_POWER:
        return value, True
    return value, np.float32(value * (1 - _SAFE)) == np.float32(value * (1 + _SAFE))


@njit(cache=True, nogil=True)
def scan(
    data: Bytes, state: State, grid: State, values: Values, kept: Bytes
) -> tuple[int, int, int, int, int, int]:
    """Go on; return why it stopped, where, how much was kept, and the place and the column of a doubtful number.

    `state` is whether we are in a list of values, and the row of the latest such list. A string, a key of values or a sample that
    is not complete is left for the next piece.
    """
    at, written, first, last, column = 0, 0, 0, 0, 0
    while True:
        if state[0] == 0:
            opened, at, written = _copy(data, at, kept, written)
            if not opened:
                code = DONE
                break
            state[0] = 1
            state[1] += 1
        if state[1] >= values.shape[0]:
            code = MORE_ROWS
            break
        code, at, first, last, column = _fill(data, at, grid, values[state[1]])
        if code != CLOSED:
            break
        state[0] = 0
    return code, at, written, first, last, column


@njit(cache=True, nogil=True)
def _copy(data: Bytes, at: int, kept: Bytes, written: int) -> tuple[bool, int, int]:
    """Keep bytes up to the next list of values; return whether there is one, where it begins, and how much is kept now."""
    while at < data.size:
        end = at + 1
        if data[at] == 34:
            end = _after_string(data, at)
            opened = 0 if end == 0 else _opens_values(data, at, end)
            if end == 0 or opened == CUT:
                break
            if opened > 0:
                for i in range(NULL.size):
                    kept[written + i] = NULL[i]
                return True, opened, written + NULL.size
        for i in range(at, end):
            kept[written] = data[i]
            written += 1
        at = end
    return False, at, written


@njit(cache=True, nogil=True)
def _fill(data: Bytes, at: int, grid: State, row: NDArray[np.float32]) -> tuple[int, int, int, int, int]:
    """Put samples into their cells up to the end of the list; of a doubtful one return the place of its number, and its column."""
    start, step, width = grid[0], grid[1], grid[2]
    expected, column = _NEVER, 0
    while at < data.size:
        if data[at] <= 32 or data[at] == 44:
            at += 1
            continue
        if data[at] == 93:
            return CLOSED, at + 1, 0, 0, 0
        end, moment, first, last, value, sure = sample(data, at)
        if end < 0:
            return DONE if end == CUT else NOT_A_SAMPLE, at, 0, 0, 0
        if moment != expected:  # a division costs more than all the rest
            column, off = divmod(moment - start, step)
            if off != 0 or column < 0 or column >= width:
                return OFF_GRID, at, 0, 0, 0
        at = end
        if not sure:
            return DOUBTFUL, at, first, last, column
        row[column] = value
        column += 1
        expected = moment + step if column < width else _NEVER
    return DONE, at, 0, 0, 0


@njit(cache=True, nogil=True)
def _after_string(data: Bytes, at: int) -> int:
    """Where the string that begins at `at` is over; 0 when it goes on beyond the data."""
    at += 1
    while at < data.size:
        if data[at] == 92:  # backslash: the next byte is no end
            at += 1
        elif data[at] == 34:
            return at + 1
        at += 1
    return 0


@njit(cache=True, nogil=True)
def _opens_values(data: Bytes, at: int, end: int) -> int:
    """After `"values": [`, given the place of the string and its end; `WRONG` where it is none, `CUT` where the bytes end too early to tell."""
    if end - at != _KEY.size:
        return WRONG
    for i in range(_KEY.size):
        if data[at + i] != _KEY[i]:
            return WRONG
    return expect(data, expect(data, end, 58), 91)  # : [
