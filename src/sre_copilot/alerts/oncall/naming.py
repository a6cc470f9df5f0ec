"""Who is meant by an event of a calendar: its attendees, else its summary; never a guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sre_copilot.alerts.oncall.people import Person

DUTY_WORDS = (
    "值班",
    "代班",
    "夜班",
    "白班",
    "早班",
    "中班",
    "晚班",
    "主班",
    "副班",
    "备班",
    "轮班",
    "轮值",
    "一线",
    "二线",
)
"""Words for duty that Chinese writes beside a name without a space; any other neighbour may make it a longer name."""
LISTED = 12  # persons that an error names: enough to see the mistake


class NobodyMeant(Exception):  # noqa: N818 - it is caught where the event's name is known
    """It cannot be told who is meant; the text says why, and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """Somebody invited: address, the name beside it, and whether it was declined."""

    address: str
    name: str = ""
    declined: bool = False


@dataclass(frozen=True)
class Names:
    """Finds persons by what people call them: id, name, or an address; upper and lower case are alike."""

    people: Mapping[str, Person]
    known: Mapping[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[str, set[str]] = {}
        for person in self.people.values():
            for word in (person.id, person.name, *person.addresses.values()):
                if folded := fold(word):
                    found.setdefault(folded, set()).add(person.id)
        object.__setattr__(self, "known", {word: tuple(sorted(ids)) for word, ids in found.items()})

    def meant(self, summary: str, attendees: Sequence[Attendee]) -> tuple[str, ...]:
        """Ids of the persons whom an event means.

        Raises
        ------
        NobodyMeant : when it is nobody who is known, or cannot be told
        """
        if attendees:
            return self._invited(attendees)
        found = self._spoken_of(fold(summary))
        if not found:
            raise NobodyMeant(
                f"its summary names nobody who is known; write the id, name or e-mail of one of: {self._listed()}"
            )
        return found

    def _invited(self, attendees: Sequence[Attendee]) -> tuple[str, ...]:
        coming = [each for each in attendees if not each.declined]
        if not coming:
            raise NobodyMeant("everybody who is invited declined; invite somebody else, or cancel it")
        found: list[str] = []
        for each in coming:
            ids = self.known.get(fold(each.address)) or self.known.get(fold(each.name))
            if ids is None:
                shown = each.address or each.name
                raise NobodyMeant(
                    f"its attendee {shown!r} is no person; give a person this e-mail, or remove the attendee"
                )
            found.append(self._one(ids, each.address or each.name))
        return tuple(dict.fromkeys(found))

    def _spoken_of(self, text: str) -> tuple[str, ...]:
        """Persons whose id, name or address stands in a text as whole words; of words that overlap the longer ones count."""
        found: list[tuple[int, str]] = []
        for word in sorted(self.known, key=len, reverse=True):
            for place in _places(text, word):
                found.append((place, self._one(self.known[word], word)))
                text = text[:place] + "\0" * len(word) + text[place + len(word) :]
        return tuple(dict.fromkeys(person for _, person in sorted(found)))

    def _one(self, ids: Iterable[str], said: str) -> str:
        first, *others = ids
        if others:
            raise NobodyMeant(f"{said!r} may be {first} or {' or '.join(others)}; write the id or the e-mail")
        return first

    def _listed(self) -> str:
        ids = sorted(self.people)
        return ", ".join(ids[:LISTED]) + (f" and {len(ids) - LISTED} more" if len(ids) > LISTED else "")


def fold(text: str) -> str:
    """A text as it is compared: without upper case, white space folded, no `mailto:`."""
    return " ".join(text.split()).casefold().removeprefix("mailto:")


def _places(text: str, word: str) -> list[int]:
    """Where a word stands that is no part of a longer one."""
    found, place = [], text.find(word)
    while place >= 0:
        end = place + len(word)
        if _ends_before(text[:place]) and _begins_after(text[end:]):
            found.append(place)
        place = text.find(word, end)
    return found


def _ends_before(left: str) -> bool:
    """Whether what stands left of a name is another word."""
    return not left or not (left[-1].isalnum() or left[-1] in "_@.-") or left.endswith(DUTY_WORDS)


def _begins_after(right: str) -> bool:
    """Whether what stands right of a name is another word; a dot or dash belongs to a longer one only before a letter."""
    if not right or right.startswith(DUTY_WORDS):
        return True
    joined = right[0].isalnum() or right[0] in "_@"
    return not joined and not (right[0] in ".-" and right[1:2].isalnum())
