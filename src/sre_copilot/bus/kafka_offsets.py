"""Offsets of a topic with several parts, as one text: `0:12.1:7` is the twelfth of part 0 and the seventh of part 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sre_copilot.errors import BusError

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, TopicPartition


def written(place: Mapping[TopicPartition, int]) -> str:
    """Where each part stands, as one text."""
    return ".".join(f"{part.partition}:{offset}" for part, offset in sorted(place.items()))


def parsed(text: str) -> dict[int, int]:
    """Offsets by part.

    Raises
    ------
    BusError : when the text is none
    """
    try:
        return {int(part): int(offset) for part, offset in (each.split(":") for each in text.split("."))}
    except ValueError:
        raise BusError(
            f"start {text!r}: is no offset of this transport; give new, earliest or what `events tail` showed"
        ) from None


async def at_offset(
    consumer: AIOKafkaConsumer, parts: Sequence[TopicPartition], start: str
) -> dict[TopicPartition, int]:
    """The offset of each part at `start`, within what the topic still holds; a part that `start` does not name begins at its earliest."""
    wanted = {} if start in ("new", "earliest") else parsed(start)
    first = await consumer.beginning_offsets(parts)
    last = await consumer.end_offsets(parts)
    if start == "new":
        return dict(last)
    return {part: min(max(wanted.get(part.partition, 0), first[part]), last[part]) for part in parts}
