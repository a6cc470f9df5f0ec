"""The demonstration: investigate a recorded incident of the lab and write its HTML report."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from sre_copilot.cli.investigate import with_progress
from sre_copilot.cli.languages import default_language
from sre_copilot.incidents.report import build, print_report, render

CASES = Path("examples/incidents/cases")
SHOWN = "lab-05"
BAD_INPUT = 2
DONE = {
    "en": "\nInvestigated {case} in {seconds:.1f} s. The same report as a page:",
    "zh": "\n排查 {case} 用时 {seconds:.1f} 秒。同一份报告的网页版：",
}


def main() -> int:
    """Print the report of one incident and the path of its page."""
    if not (CASES / SHOWN).is_dir():
        print(f"{CASES / SHOWN} is not here: run the demo from the project's folder.", file=sys.stderr)  # noqa: T201
        return BAD_INPUT
    began = time.perf_counter()
    language = default_language()
    investigation = with_progress(CASES / SHOWN, language)
    report = build(investigation.diagnosis, investigation.observation, investigation.observed)
    console = Console()
    print_report(report, console, lang=language.value)
    page = Path(tempfile.mkdtemp(prefix="sre-copilot-")) / f"{SHOWN}.html"  # no path that others can prepare
    page.write_text(render(report, output="html", lang=language.value), encoding="utf-8")
    console.print(DONE[language.value].format(case=SHOWN, seconds=time.perf_counter() - began))
    console.print(page.resolve().as_uri(), soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
