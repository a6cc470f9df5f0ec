"""The reference of events in the documentation, made from the schemas themselves.

`python -m sre_copilot.bus.events_page` says whether the page is stale, `--write` mends it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sre_copilot.bus.schemas import SCHEMAS, json_schema
from sre_copilot.domain.event import EventType

PAGE = Path("docs/reference/events.md")
EMITTED = frozenset(
    {
        EventType.ALERT_RECEIVED,
        EventType.ANOMALY_DETECTED,
        EventType.INCIDENT_OPENED,
        EventType.INCIDENT_UPDATED,
        EventType.INCIDENT_RESOLVED,
        EventType.DIAGNOSIS_READY,
        EventType.FEEDBACK_GIVEN,
    }
)
"""What this version tells; a test holds it to the code."""
BEGIN = "<!-- events: made by python -m sre_copilot.bus.events_page --write -->"
END = "<!-- end of events -->"


def page() -> str:
    """All events in Markdown: what each means, its fields, its JSON Schema."""
    return "\n\n".join([_emission(), *(_section(kind) for kind in EventType)])


def fresh(text: str) -> str:
    """The page with what lies between its two marks renewed.

    Raises
    ------
    ValueError : when it has no place for it
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"the page has no place for the events; add the two lines\n{BEGIN}\n{END}")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{page()}\n\n{END}{rest.partition(END)[2]}"


def main(arguments: list[str] | None = None) -> int:
    """Check the page, or renew it; 0 when all is well."""
    parser = argparse.ArgumentParser(prog="python -m sre_copilot.bus.events_page")
    parser.add_argument("--write", action="store_true", help="renew the page")
    parser.add_argument("--page", type=Path, default=PAGE, help="where it is")
    given = parser.parse_args(arguments)
    text = given.page.read_text(encoding="utf-8")
    if given.write:
        given.page.write_text(fresh(text), encoding="utf-8")
    elif text != fresh(text):
        sys.stdout.write(f"{given.page}: is stale; run python -m sre_copilot.bus.events_page --write\n")
        return 1
    return 0


def _emission() -> str:
    now = "\n".join(f"- `{kind.value}`" for kind in EventType if kind in EMITTED)
    later = ", ".join(f"`{kind.value}`" for kind in EventType if kind not in EMITTED)
    return f"This version emits\n\n{now}\n\nThe others are defined so that readers can be written for what is to come, and are **not emitted yet**: {later}."


def _section(kind: EventType) -> str:
    schema = json_schema(kind)
    said = " ".join((SCHEMAS[kind].__doc__ or "").split())
    table = "\n".join(["| field | type | | meaning |", "|---|---|---|---|", *_rows(schema)])
    shown = json.dumps(schema, indent=1, ensure_ascii=False)
    said += "" if kind in EMITTED else " Not emitted yet."
    return f"## `{kind.value}`\n{said}\n\n{table}\n\n<details><summary>JSON Schema</summary>\n\n```json\n{shown}\n```\n\n</details>"


def _rows(schema: dict[str, Any]) -> Iterator[str]:
    for name, field in schema["properties"].items():
        needed = "required" if name in schema.get("required", ()) else ""
        cells = (f"`{name}`", _words(field), needed, field.get("description", ""))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _words(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_words(each) for each in field["anyOf"])
    if "enum" in field:
        return "one of " + ", ".join(f"`{each}`" for each in field["enum"])
    kind = str(field.get("type", "anything"))
    if kind == "array":
        return f"list of {_words(field.get('items', {}))}"
    return "time (RFC 3339)" if field.get("format") == "date-time" else kind


if __name__ == "__main__":
    raise SystemExit(main())
