"""Archives that are documents: what they unpack to is looked at before anything is unpacked."""

from __future__ import annotations

import io
import zipfile
import zlib

from sre_copilot.knowledge.blocks import DocumentError, Limits

RATIO = 200  # text compresses by 5 to 20, the emptiest tables by 100; a bomb by 1,000
MEMBERS = 10_000


def check_archive(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """Open an archive that is within the limits.

    Raises
    ------
    DocumentError : when it is none, is locked, or unpacks to too much
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError):
        raise DocumentError("is damaged; save it again") from None
    unpacked = sum(member.file_size for member in members)
    if len(members) > MEMBERS or unpacked > limits.megabytes * 10e6 or unpacked > RATIO * len(data) + 1e6:
        raise DocumentError(f"unpacks {len(data):,} bytes to {unpacked:,}; that is no document")
    if any(member.flag_bits & 1 for member in members):
        raise DocumentError("is encrypted; save it without a password")
    return archive


def member(archive: zipfile.ZipFile, name: str, limits: Limits) -> bytes:
    """One file of an archive, however large its directory says that it is; b'' where there is none."""
    most = int(limits.megabytes * 10e6)
    try:
        with archive.open(name) as file:
            data = file.read(most + 1)
    except KeyError:
        return b""
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError):
        raise DocumentError(f"is damaged at '{name}'; save it again") from None
    if len(data) > most:
        raise DocumentError(f"'{name}' unpacks to more than {most:,} bytes; that is no document")
    return data
