"""AES-256 in CBC mode with PKCS#7, as Feishu and WeCom seal what they send."""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7


class NotSealed(ValueError):  # noqa: N818 - what the text is
    """It was not sealed with this key."""


def decoded(text: str) -> bytes:
    """The bytes of a text in Base64.

    Raises
    ------
    NotSealed : when it is none
    """
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NotSealed("is no Base64") from None


def opened(sealed: bytes, *, key: bytes, start: bytes, block: int) -> bytes:
    """What was sealed; `start` is the initialisation vector, `block` the bytes that padding fills up to.

    Raises
    ------
    NotSealed : when it was not sealed with this key
    """
    unpadding = PKCS7(block * 8).unpadder()
    try:
        reading = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
        padded = reading.update(sealed) + reading.finalize()
        return unpadding.update(padded) + unpadding.finalize()
    except ValueError:
        raise NotSealed("was not sealed with this key") from None


def sealed(plain: bytes, *, key: bytes, start: bytes, block: int) -> bytes:
    """Seal it."""
    padding = PKCS7(block * 8).padder()
    writing = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    padded = padding.update(plain) + padding.finalize()
    return writing.update(padded) + writing.finalize()
