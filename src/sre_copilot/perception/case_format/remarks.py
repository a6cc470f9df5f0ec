"""Remarks of a reader: what it met in a file and how it dealt with it, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sre_copilot.domain.evidence import Gap, Message
from sre_copilot.domain.signals import Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something that a reader met and dealt with.

    A `key` under `gap.` says that something was lost or is uncertain and reaches the report; one under `note.` is only
    told by `case check`. `row` is the first row concerned, counted from 0 as the file has them; it is no part of the
    message, since the order of rows has no meaning.
    """

    key: str
    modality: Modality
    file: str
    field: str = ""
    row: int | None = None
    params: tuple[tuple[str, str | float | int], ...] = ()

    @property
    def is_gap(self) -> bool:
        """Whether something was lost or is uncertain."""
        return self.key.startswith("gap.")

    @property
    def message(self) -> Message:
        """Its sentence."""
        about = (("file", self.file), ("field", self.field), ("modality", self.modality))
        return Message(key=self.key, params=(*about, *self.params))


def remark(
    key: str,
    modality: Modality,
    file: str,
    *,
    field: str = "",
    row: int | None = None,
    **params: str | float | int,
) -> Remark:
    """Make a remark; further keywords are the parameters of its sentence."""
    return Remark(
        key=key, modality=modality, file=file, field=field, row=row, params=tuple(sorted(params.items()))
    )


def within(folder: str, remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """The same remarks, their files named from the folder above."""
    return tuple(replace(each, file=f"{folder}/{each.file}") for each in remarks)


def gaps(remarks: Iterable[Remark]) -> tuple[Gap, ...]:
    """Those that reach the report, each once, in an order that does not depend on the order of reading."""
    found = {Gap(modality=each.modality, message=each.message) for each in remarks if each.is_gap}
    return tuple(sorted(found, key=repr))
