"""Tables, books and notebooks by markitdown."""

from __future__ import annotations

import io

from sre_copilot.knowledge.blocks import Document, DocumentError, Limits
from sre_copilot.knowledge.formats.archive import check_archive
from sre_copilot.knowledge.formats.markdown import parsed
from sre_copilot.knowledge.formats.web import EXTRA


def read(data: bytes, name: str, limits: Limits) -> Document:
    """What markitdown makes of it."""
    try:
        from markitdown import MarkItDown, MarkItDownException, StreamInfo  # noqa: PLC0415
    except ImportError:
        raise DocumentError(f"this format {EXTRA}") from None
    if data[:4] == b"PK\x03\x04":
        check_archive(data, limits)
        ending = ".epub"
    else:
        ending = ".ipynb" if data.lstrip()[:1] == b"{" else ".csv"
    try:
        result = MarkItDown(enable_plugins=False).convert_stream(
            io.BytesIO(data), stream_info=StreamInfo(extension=ending)
        )
    except MarkItDownException as error:
        raise DocumentError(f"cannot be read: {str(error).splitlines()[0][:200]}") from None
    return parsed(result.markdown, name)
