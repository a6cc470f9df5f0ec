"""How Go reads and writes quoted text: Alertmanager's keys and matchers are made of it."""

from __future__ import annotations

import unicodedata

SPACES = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | frozenset(
    map(chr, range(0x2000, 0x200B))
)
"""What Go's `unicode.IsSpace` takes for white space; Python's `str.isspace` takes more."""

_READ = {
    "a": 7,
    "b": 8,
    "f": 12,
    "n": 10,
    "r": 13,
    "t": 9,
    "v": 11,
    "\\": 92,
    '"': 34,
}
_WRITTEN = {chr(code): f"\\{letter}" for letter, code in _READ.items()}
_DIGITS = {"x": 2, "u": 4, "U": 8}
_PRINTABLE = frozenset("LMNPS")  # Go's `unicode.IsPrint`: letters, marks, numbers, punctuation, symbols


def unquoted(body: str) -> str:
    r"""What stands between double quotes, its escapes read as Go reads them; raise `ValueError` where Go would refuse it.

    >>> unquoted(r'a\tb\x41')
    'a\tbA'
    """
    out = bytearray()
    at = 0
    while at < len(body):
        letter = body[at]
        if letter in '"\n':
            raise ValueError("a quote or a line break inside quotes must be escaped")
        if letter != "\\":
            out += letter.encode()
            at += 1
            continue
        piece, at = _escape(body, at + 1)
        out += piece
    return out.decode()


def _escape(body: str, at: int) -> tuple[bytes, int]:
    """The bytes that an escape stands for, and where the text goes on; `at` is behind the backslash."""
    letter = body[at : at + 1]
    if letter in _READ:
        return bytes([_READ[letter]]), at + 1
    if letter in _DIGITS:
        end = at + 1 + _DIGITS[letter]
        code = _number(body[at + 1 : end], 16, _DIGITS[letter])
        return (bytes([code]) if letter == "x" else chr(code).encode()), end
    code = _number(body[at : at + 3], 8, 3)
    return bytes([code]), at + 3


def _number(digits: str, base: int, width: int) -> int:
    if len(digits) != width or not all(
        each in "0123456789abcdefABCDEF"[: 8 if base == 8 else 22] for each in digits
    ):
        raise ValueError("unknown escape; a backslash itself is written twice")
    return int(digits, base)


def quoted(text: str) -> str:
    r"""A text in double quotes, as Go's `strconv.Quote` writes it.

    >>> quoted('say "hi"\n')
    '"say \\"hi\\"\\n"'
    """
    return f'"{"".join(map(_written, text))}"'


def _written(letter: str) -> str:
    if letter in _WRITTEN:
        return _WRITTEN[letter]
    if letter == " " or unicodedata.category(letter)[0] in _PRINTABLE:
        return letter
    code = ord(letter)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
