"""From settings to a speaker. The framework is only loaded where there is a model: it takes two seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from sre_copilot.llm.speaking import Silent, Speaker
from sre_copilot.settings.llm import Llm

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model

    from sre_copilot.clock import Clock
    from sre_copilot.llm.budget import DayBook
    from sre_copilot.llm.keeping import Known


def make_speaker(
    settings: Llm,
    *,
    book: DayBook | None = None,
    known: Known | None = None,
    registry: CollectorRegistry | None = None,
    clock: Clock | None = None,
    environment: Mapping[str, str] | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    models: Mapping[str, Model] | None = None,
) -> Speaker:
    """Make the speaker of a configuration; without a model it is silent.

    `book` keeps what a day has cost, `known` what models can, over a restart; `registry` takes the metrics; `models` replaces
    models by name (the fakes of `testing.models`), `transport` the network.

    Raises
    ------
    SettingsError : when a model cannot be made from its settings
    """
    if not settings.models and not models:
        return Silent()
    from sre_copilot.llm.metrics import ModelMetrics  # noqa: PLC0415 - the framework is heavy
    from sre_copilot.llm.outbound import Gate  # noqa: PLC0415
    from sre_copilot.llm.speaker import ModelSpeaker, Parts, with_given  # noqa: PLC0415

    given = models or {}
    parts = Parts(
        gate=Gate(offline=settings.offline, transport=transport),
        metrics=ModelMetrics(registry),
        book=book,
        known=known,
        clock=clock,
        environment=environment,
    )
    return ModelSpeaker(with_given(settings, given), parts, models=given)
