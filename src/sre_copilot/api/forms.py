"""The forms of pages, read within bounds."""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import Request

from sre_copilot.api.problems import Problem

LONGEST = 20_000  # bytes: a reason and a few short fields
MOST_FIELDS = 10


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, of each the first.

    Raises
    ------
    Problem : 400 when it is none that a page makes
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise _no_form(f"it is longer than {LONGEST:,} bytes")
    try:
        fields = parse_qs(body.decode(), max_num_fields=MOST_FIELDS)
    except ValueError:  # of the text, or of the number of fields
        raise _no_form(f"it is no text, or has more than {MOST_FIELDS} fields") from None
    return {name: each[0] for name, each in fields.items()}


def _no_form(why: str) -> Problem:
    return Problem(400, f"the form is none that a page makes here: {why}. Open the page and use its form")
