"""What `serve` says after its first tick: how much is watched, what is not, and where to look."""

from __future__ import annotations

import threading
from pathlib import Path

from rich.console import Console

from sre_copilot.app.serving import Service
from sre_copilot.incidents.report.clean import one_line
from sre_copilot.incidents.report.model import Language
from sre_copilot.incidents.report.words import Said, word
from sre_copilot.incidents.watch.outlook import outlook
from sre_copilot.incidents.watch.status import WatchStatus

LOOK_EVERY_S = 0.2
LONGEST = 300  # characters of a line


def tell_when_it_ticks(service: Service, configuration: Path | None, address: str) -> None:
    """Print the summary once, when the first tick is done, without keeping anything waiting."""
    waiting = threading.Thread(
        target=_tell, args=(service, configuration, address), name="first screen", daemon=True
    )
    waiting.start()


def _tell(service: Service, configuration: Path | None, address: str) -> None:
    while not service.watch.status().ticks:
        if service.stop.wait(LOOK_EVERY_S):
            return
    lines = summary(
        service.watch.status(),
        now=service.clock.now(),
        configuration=configuration,
        address=address,
        lang=service.settings.language,
    )
    text = "\n".join(
        one_line(line, LONGEST) if not line.startswith(" ") else f"  {one_line(line, LONGEST)}"
        for line in lines
    )
    Console(stderr=True, highlight=False).print(text, markup=False, soft_wrap=True)


def summary(
    status: WatchStatus, *, now: float, configuration: Path | None, address: str, lang: Language
) -> list[str]:
    """The lines of the first screen."""
    path = Said(configuration.resolve()) if configuration else word("serving.no_file", lang)
    where = [word("serving.configuration", lang, path=path), word("serving.look", lang, address=address)]
    if not status.sources:
        return where  # that alerts alone are watched was said at the start
    down = [each for each in status.sources if not each.ok]
    silent = word("serving.source_silent", lang)
    interval = status.interval_seconds
    return [
        word("serving.series", lang, learned=status.learned, warming=status.warming_up),
        word("serving.learning", lang, said=outlook(status.learning, lang)),
        word("serving.sources", lang, up=len(status.sources) - len(down), down=len(down)),
        *(word("serving.source_down", lang, name=each.name, problem=each.problem or silent) for each in down),
        word("serving.next_tick", lang, seconds=interval - now % interval, interval=interval),
        *where,
    ]
