"""The demonstration: investigate a recorded incident of the lab and write its HTML report."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from sre_copilot.cli.investigate import default_language, with_progress
from sre_copilot.errors import UsageError
from sre_copilot.incidents.report import build, print_report, render

CASES = Path("examples/incidents/cases")
SHOWN = "lab-05"


def main() -> int:
    """Print the report of one incident and the path of its page."""
    if not (CASES / SHOWN).is_dir():
        raise UsageError(f"{CASES / SHOWN} is not here: run the demo from the project's folder.")
    began = time.perf_counter()
    language = default_language()
    investigation = with_progress(CASES / SHOWN, language)
    report = build(investigation.diagnosis, investigation.observation, investigation.observed)
    console = Console()
    print_report(report, console, lang=language.value)
    page = Path(tempfile.gettempdir()) / f"sre-copilot-{SHOWN}.html"
    page.write_text(render(report, output="html", lang=language.value), encoding="utf-8")
    console.print(
        f"\nInvestigated {SHOWN} in {time.perf_counter() - began:.1f} s. The same report as a page:"
    )
    console.print(page.resolve().as_uri(), soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
