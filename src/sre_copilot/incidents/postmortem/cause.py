"""The cause as the last investigation named it, with its evidence and how sure it is; one that is not known is called so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sre_copilot.domain.evidence import Message
from sre_copilot.errors import StoreError
from sre_copilot.incidents.postmortem.model import Line, Outcome, Section, line, named
from sre_copilot.incidents.postmortem.records import DIAGNOSES, Records
from sre_copilot.incidents.report.model import Report
from sre_copilot.incidents.report.reading import report_of
from sre_copilot.incidents.report.words import LANGUAGES

LIKELY = 0.8  # from here on the report of an investigation, too, speaks of certainty
MOST_OTHERS = 3
OUTCOMES: tuple[Outcome, ...] = ("fault", "no_fault", "inconclusive", "failed", "hidden")


def outcome_of(records: Records) -> Outcome:
    """How the last investigation ended; `none` where there was none."""
    found = str(records.diagnosis.get("outcome", ""))
    return next((each for each in OUTCOMES if each == found), "none")


def cause(records: Records) -> Section:
    """What caused it, what that rests on, what else it may be, what could not be seen, and what people say."""
    return Section(
        name="cause",
        lines=(
            headline(records),
            *_sure(records),
            *_evidence(records),
            *_others(records),
            *_unseen(records),
            *_rounds(records),
            *_people(records),
        ),
    )


def headline(records: Records) -> Line:
    """The conclusion in one sentence."""
    outcome, found = outcome_of(records), records.diagnosis
    rests_on = last(records)
    if outcome == "fault":
        key = "cause.fault" if found.get("fault_type") else "cause.fault_untyped"
        key = "cause.fault_disputed" if disputed(records) else key
        return line(
            key, *rests_on, cause=str(found.get("cause", "")), fault_type=str(found.get("fault_type", "")),
            percent=100.0 * float(found.get("confidence") or 0.0),
        )  # fmt: skip
    if outcome == "failed":
        return line("cause.failed", *rests_on, problem=str(found.get("problem", "")))
    return line(f"cause.{outcome}", *rests_on)


def disputed(records: Records) -> bool:
    """Whether a person says that the last diagnosis is wrong: then it is not told as the cause."""
    return any(each["target"] == "output" and not each["right"] for each in records.judgements)


def last(records: Records) -> tuple[str, ...]:
    """The records of the last investigation: itself, or the entry of the timeline that tells of it."""
    key = str(records.diagnosis.get("investigation_id", ""))
    if key:
        return (f"investigation/{key}",)
    told = records.of_kind(*DIAGNOSES)
    return (f"timeline/{told[-1]['id']}",) if told else (records.key,)


def unseen(records: Records) -> tuple[tuple[str, Message], ...]:
    """Kinds of telemetry that the last investigation had none of, each with what cannot be told without."""
    found = investigated(records)
    return tuple((gap.modality, gap.message) for gap in found.gaps) if found else ()


def investigated(records: Records) -> Report | None:
    """The report of the last investigation; None where it is no longer kept, or of another release."""
    row = records.investigations.get(str(records.diagnosis.get("investigation_id", "")))
    if row is None:
        return None
    try:
        return report_of(row["report"]["document"])
    except StoreError:
        return None


def _sure(records: Records) -> Iterator[Line]:
    if outcome_of(records) != "fault" or disputed(records):
        return
    sure = float(records.diagnosis.get("confidence") or 0.0) >= LIKELY
    yield line("cause.sure" if sure else "cause.unsure", *last(records))


def _evidence(records: Records) -> Iterator[Line]:
    for place, said in enumerate(_said(records), 1):
        sentence = Message(key="postmortem.cause.evidence", params=(("place", place),))
        yield Line(sentence=sentence, rests_on=last(records), spoken={each: said[each] for each in LANGUAGES})


def _said(records: Records) -> list[Mapping[str, str]]:
    kept = records.diagnosis.get("evidence") or []
    return [each for each in kept if isinstance(each, Mapping) and all(name in each for name in LANGUAGES)]


def _others(records: Records) -> Iterator[Line]:
    found = investigated(records)
    if found is None or outcome_of(records) not in ("fault", "inconclusive"):
        return
    for each in found.alternatives[:MOST_OTHERS]:
        reason = each.why_not[0] if each.why_not else None
        yield line("cause.other", *last(records), entity=each.entity, rank=each.rank)
        if reason is not None:
            yield Line(sentence=reason, rests_on=last(records))


def _unseen(records: Records) -> Iterator[Line]:
    missing = unseen(records)
    count = int(records.diagnosis.get("unseen") or 0)
    if missing:
        yield from (Line(sentence=message, rests_on=last(records)) for _, message in missing)
    elif count:
        yield line("cause.unseen", *last(records), count=count)


def _rounds(records: Records) -> Iterator[Line]:
    rounds = records.of_kind(*DIAGNOSES)
    if len(rounds) < 2 or records.hidden:
        return
    causes = list(dict.fromkeys(cause_of(each) for each in rounds if cause_of(each)))
    keys = [f"timeline/{each['id']}" for each in rounds]
    yield line("cause.rounds", *keys, rounds=len(rounds))
    if len(causes) > 1:
        yield line("cause.changed", *keys, causes=named(causes))


def cause_of(row: Mapping[str, Any]) -> str:
    """The cause that an entry of the timeline names."""
    return str(row["data"].get("cause", "")) if row["kind"] == "diagnosis_fault" else ""


def _people(records: Records) -> Iterator[Line]:
    for each in records.judgements:
        verdict = "right" if each["right"] else "wrong"
        key = f"cause.judged.{each['target']}.{verdict}"
        who = str(each["by"])
        if each["note"]:
            yield line(f"{key}.note", f"label/{each['id']}", at=each["at"], who=who, by=who, note=str(each["note"]))  # fmt: skip
        else:
            yield line(key, f"label/{each['id']}", at=each["at"], who=who, by=who)
