"""What may stand in an answer: no secret, no control code, no address that a viewer would fetch or a reader would follow.

Log lines, span names, changes and documents come from outside; whoever can write there must not reach the reader's terminal, browser or trust.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sre_copilot.agents.toolkit.inert import inert
from sre_copilot.domain.knowledge import Recalled, Retrieved
from sre_copilot.llm.redaction import Pseudonyms, without_secrets

_ADDRESS = re.compile(
    r"(?i)\b(?:https?|ftp|wss?|file|javascript|data)(?:\[:\]|:)(?://)?[^\s<>\"'`）)\]}，。；]+"
)
_TAG = re.compile(
    r"<(?=[/!?a-zA-Z])[^<>]{0,2000}>?"
)  # what a browser would take for an element; `<*>` of a template stays
_NO_SCHEME = re.compile(r"(?<![\w:/.])//[\w-]+(?:\.[\w-]+)+\S*")
LEFT_OUT = "[…]"


def printable(text: str) -> str:
    """The text without secrets, addresses, images, links, HTML and control codes."""
    shown = _TAG.sub("", without_secrets(text, Pseudonyms("txt")))
    return _NO_SCHEME.sub(LEFT_OUT, _ADDRESS.sub(LEFT_OUT, inert(shown)))


def printable_quote(found: Retrieved) -> Retrieved:
    """A passage as it may be quoted: verbatim, but for what must not be shown."""
    passage = found.passage
    headings = tuple(printable(each) for each in passage.headings)
    shown = replace(passage, text=printable(passage.text), title=printable(passage.title), headings=headings)
    return replace(found, passage=shown)


def printable_recall(known: Recalled) -> Recalled:
    """A known fault as it may be shown."""
    card, past = known.card, known.past
    if card is not None:
        card = replace(
            card,
            title=printable(card.title),
            root_cause=printable(card.root_cause),
            manifestation=printable(card.manifestation),
            measure=printable(card.measure),
            owner=printable(card.owner),
        )
    if past is not None:
        past = replace(past, summary=printable(past.summary), measure=printable(past.measure))
    return replace(known, card=card, past=past)
