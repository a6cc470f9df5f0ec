"""How often things were seen of late: counts that fade, in bounded memory, kept in shards so that only what changed is written again."""

from __future__ import annotations

import math
from typing import Any
from zlib import crc32

SHARDS = 64
FREE_SHARE = 0.1  # of the memory that is freed at once when it is full, so that freeing costs little an entry
_WEIGHT, _AT, _COUNTED_AT = 0, 1, 2


class Habits:
    """By key: on how many occasions it was seen, fading by half in `half_life_s`; what comes again within `spell_s` is the same occasion."""

    def __init__(self, *, half_life_s: float, spell_s: float, most: int) -> None:
        self._rate = math.log(2) / half_life_s
        self._spell_s = spell_s
        self._most = most
        self._seen: dict[str, list[float]] = {}
        self._dirty: set[int] = set()

    def __len__(self) -> int:
        return len(self._seen)

    def __contains__(self, key: str) -> bool:
        return key in self._seen

    def see(self, key: str, now: float) -> float:
        """Count an occasion, unless it is still the last one; return how many there were before it."""
        known = self._seen.get(key)
        if known is None:
            if len(self._seen) >= self._most:
                self._free(now)
            self._seen[key] = [1.0, now, now]
            self._dirty.add(_shard(key))
            return 0.0
        weight = known[_WEIGHT] * math.exp(-self._rate * (now - known[_AT]))
        if now - known[_COUNTED_AT] < self._spell_s:
            return max(0.0, weight - math.exp(-self._rate * (now - known[_COUNTED_AT])))
        known[_WEIGHT] = weight + 1
        known[_AT] = known[_COUNTED_AT] = now
        self._dirty.add(_shard(key))
        return weight

    def newness(self, key: str, now: float) -> float:
        """See it: 1 for what was never seen, 1/2 for what was seen once lately, towards 0 for what is seen all the time."""
        return 1 / (1 + self.see(key, now))

    def _free(self, now: float) -> None:
        """Forget the least usual."""
        weights = sorted(
            (each[_WEIGHT] * math.exp(-self._rate * (now - each[_AT])), key)
            for key, each in self._seen.items()
        )
        for _, key in weights[: max(1, int(len(weights) * FREE_SHARE))]:
            del self._seen[key]
            self._dirty.add(_shard(key))

    def shards(self, *, changed_only: bool = False) -> dict[str, Any]:
        """All shards, or those that changed since they were last asked for, as plain JSON."""
        wanted = self._dirty if changed_only else set(range(SHARDS))
        found: dict[str, dict[str, list[float]]] = {str(each): {} for each in wanted}
        for key, each in self._seen.items() if wanted else ():
            shard = _shard(key)
            if shard in wanted:
                found[str(shard)][key] = [round(each[_WEIGHT], 4), round(each[_AT], 1)]
        self._dirty = set()
        return found

    def load(self, shards: dict[str, Any]) -> None:
        """Go on from what was kept."""
        for shard in shards.values():
            for key, (weight, at) in shard.items():
                self._seen[str(key)] = [float(weight), float(at), float(at)]


def _shard(key: str) -> int:
    return crc32(key.encode("utf-8", "surrogatepass")) % SHARDS
