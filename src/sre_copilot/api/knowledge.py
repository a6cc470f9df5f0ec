"""Experience: cards, past faults, reviews, labels and proposals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import Field

from sre_copilot.api.bodies import Body
from sre_copilot.api.guard import Routes, ServiceHere, may_see_all
from sre_copilot.api.problems import Problem
from sre_copilot.app.serving import Service
from sre_copilot.clock import rfc3339
from sre_copilot.domain.knowledge import Card, PastFault
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.cards import parse_card, write_card
from sre_copilot.knowledge.keeping import ChangedMeanwhile, Experience
from sre_copilot.knowledge.labels import Label, Labels
from sre_copilot.knowledge.learning import edit, review, waiting
from sre_copilot.knowledge.proposals import Proposal, Proposals
from sre_copilot.store.alerting.audit import actor
from sre_copilot.store.tokens import Token

routes = Routes(tag="knowledge", refusals=(404, 409))
Text = Annotated[str, Field(max_length=4000)]
Short = Annotated[str, Field(max_length=300)]
Id = Annotated[str, Field(max_length=100)]
Name = Annotated[str, Query(max_length=300)]


class NewCard(Body):
    """A card as Markdown."""

    markdown: str = Field(max_length=200_000)
    note: Text = ""


class Decision(Body):
    """What was decided."""

    decision: Literal["accept", "reject"]
    note: Text = ""


class Reviewed(Decision):
    """What was decided about a draft. `revision` is that of the card as it was read; a past fault has none."""

    revision: Annotated[int, Field(ge=1)] | None = None


class NewLabel(Body):
    """What somebody says of a finding, a claim, an output or a card."""

    investigation_id: Id
    target: Literal["finding", "claim", "output", "card"]
    target_id: Id
    right: bool
    subject: Short = ""
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    correction: dict[str, Text] = Field(default_factory=dict)
    note: Text = ""


@routes.get("/knowledge/cards", role="viewer")
def cards(
    service: ServiceHere,
    request: Request,
    *,
    standing: Literal["draft", "accepted", "rejected", "retired"] | None = None,
    fault_type: Name = "",
    of_service: Name = "",
) -> dict[str, Any]:
    """Cards, the last changed first."""
    found = _shelf(service).cards(standing=standing, fault_type=fault_type, service=of_service)
    return {"items": [_card(card, whole=may_see_all(request)) for card in found], "next": None}


@routes.get("/knowledge/cards/{key}", role="viewer")
def card(service: ServiceHere, request: Request, key: str) -> dict[str, Any]:
    """A card, as Markdown too, with its revisions."""
    shelf = _shelf(service)
    found = _found(lambda: shelf.card(key))
    revisions = [
        {"revision": row["revision"], "at": rfc3339(row["at"]), "by": row["by"], "note": row["note"]}
        for row in shelf.revisions(key)
    ]
    shown = _shown(found, whole=may_see_all(request))
    return {**_card(shown), "markdown": write_card(shown), "revisions": revisions}


@routes.post("/knowledge/cards", role="responder", status_code=201)
def add(service: ServiceHere, request: Request, new: NewCard) -> dict[str, Any]:
    """Add a card, or change one; it waits for a review."""
    shelf, by = _shelf(service), _who(request)
    written = parse_card(new.markdown, name="markdown")
    if shelf.has_card(written.id):
        return _card(edit(shelf, written, by=by, note=new.note))
    return _card(shelf.save(replace(written, standing="draft"), by=by, note=new.note or "added"))


@routes.get("/knowledge/past-faults", role="viewer")
def past_faults(service: ServiceHere, *, of_service: Name = "", fault_type: Name = "") -> dict[str, Any]:
    """Faults that were, the latest first."""
    found = _shelf(service).past_faults(service=of_service, fault_type=fault_type)
    return {"items": [_past(each) for each in found], "next": None}


@routes.get("/knowledge/review", role="viewer")
def drafts(service: ServiceHere, request: Request) -> dict[str, Any]:
    """What waits for a review."""
    found = waiting(_shelf(service))
    return {
        "cards": [_card(each, whole=may_see_all(request)) for each in found.cards],
        "past_faults": [_past(each) for each in found.past],
    }


@routes.post("/knowledge/review/{key}", role="approver")
def decide(service: ServiceHere, request: Request, key: str, wanted: Reviewed) -> dict[str, Any]:
    """Accept or reject a draft, in the name of the token; of a card, the revision that was read (409 where it is another now)."""
    shelf = _shelf(service)
    if wanted.revision is None and shelf.has_card(key):
        raise Problem(422, "revision: give the revision of the card that you have read", field="revision")
    try:
        found = review(
            shelf, key, wanted.decision, by=_who(request), note=wanted.note, revision=wanted.revision
        )
    except ChangedMeanwhile as error:
        raise Problem(409, str(error), field="revision") from None
    except UsageError as error:
        raise Problem(404, str(error), field="key") from None
    return _card(found, whole=may_see_all(request)) if isinstance(found, Card) else _past(found)


@routes.get("/knowledge/labels", role="viewer")
def labels(service: ServiceHere, *, investigation_id: Name = "") -> dict[str, Any]:
    """What people said, the latest first."""
    chosen = {"investigation_id": investigation_id} if investigation_id else {}
    found = Labels(service.database, service.clock).all(**chosen)
    return {"items": [_label(each) for each in found], "next": None}


@routes.post("/knowledge/labels", role="responder", status_code=201)
def label(service: ServiceHere, request: Request, new: NewLabel) -> dict[str, Any]:
    """Say whether something was right, and what it should have been."""
    token: Token = request.state.token
    kept = Labels(service.database, service.clock).add(by=_who(request), role=token.role, **new.model_dump())
    return _label(kept)


@routes.get("/knowledge/proposals", role="viewer")
def proposals(service: ServiceHere) -> dict[str, Any]:
    """What labels speak for, the latest first."""
    found = Proposals(service.database, service.clock).all()
    return {"items": [_proposal(each) for each in found], "next": None}


@routes.post("/knowledge/proposals", role="approver")
def propose(service: ServiceHere) -> dict[str, Any]:
    """Look what the labels speak for now."""
    said = Labels(service.database, service.clock).all()
    threshold = service.settings.anomaly_detection.threshold
    made = Proposals(service.database, service.clock).make(said, threshold=threshold)
    return {"items": [_proposal(each) for each in made], "next": None}


@routes.post("/knowledge/proposals/{key}", role="approver")
def settle(service: ServiceHere, request: Request, key: str, decision: Decision) -> dict[str, Any]:
    """Accept or reject a proposal, in the name of the token."""
    accept = decision.decision == "accept"
    decided = Proposals(service.database, service.clock).decide(
        key, accept=accept, by=_who(request), shelf=_shelf(service), note=decision.note
    )
    return _proposal(decided)


def _shelf(service: Service) -> Experience:
    return Experience(service.database, service.clock)


def _found(read: Any) -> Any:
    try:
        return read()
    except UsageError as error:
        raise Problem(404, str(error), field="key") from None


def _who(request: Request) -> str:
    token: Token = request.state.token
    return actor(token)


def _card(found: Card, *, whole: bool = True) -> dict[str, Any]:
    return {**asdict(_shown(found, whole=whole)), "scope": _scope(found)}


def _shown(found: Card, *, whole: bool) -> Card:
    """What was drafted from telemetry quotes it: whoever may not see all sources does not see the quotes."""
    return found if whole or not found.origin else replace(found, manifestation="")


def _scope(found: Card) -> dict[str, Any]:
    scope = found.scope
    return {"services": list(scope.services), "severity": scope.severity, "labels": dict(scope.labels)}


def _past(found: PastFault) -> dict[str, Any]:
    return {**asdict(found), "at": rfc3339(found.at)}


def _label(found: Label) -> dict[str, Any]:
    return {**asdict(found), "at": rfc3339(found.at)}


def _proposal(found: Proposal) -> dict[str, Any]:
    document: Mapping[str, Any] = asdict(found)
    return {**document, "made_at": rfc3339(found.made_at), "decided_at": rfc3339(found.decided_at)}
