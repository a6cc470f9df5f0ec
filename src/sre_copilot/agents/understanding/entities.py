"""Which services a text names: as they are written, with other separators, shortened, misspelt, or by another name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from sre_copilot.agents.understanding.wording import Span, overlaps, pattern, plain
from sre_copilot.agents.understanding.words import CHANNELS

GENERIC = frozenset(
    {"service", "services", "svc", "srv", "server", "api", "app", "ms", "system", "component", "module"}
)
"""Parts of a name that say only that it is a service, so that people leave them out."""
VERBS = frozenset(
    {
        "search",
        "report",
        "order",
        "log",
        "logs",
        "trace",
        "monitor",
        "host",
        "alert",
        "change",
        "query",
        "user",
        "ad",
        "web",
        "test",
    }
)
"""Names that are everyday words too: taken for a service only where the text says so."""
SHORTEST_FUZZY = 5  # letters: below, one slip makes another word
_SUFFIX = r"(?:[\s_.-]*(?:services?|svc|api|server|system))?"
_EXCEPT = pattern(
    r"(?:\b(?:except(?:\s+for)?|excluding|other\s+than|besides|apart\s+from|not)|除了?|排除|不(?:含|包括|算))\s*(?:the\s+)?$"
)
_WORD = pattern(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*")
_UNKNOWN = pattern(
    r"(?<![\w.-])(?P<a>[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*[-_]?(?:service|svc))(?![\w-])|\bservice\s+(?P<b>[a-z][a-z0-9]*(?:[-_][a-z0-9]+)+)"
)
_MEANINGS: Mapping[str, tuple[str, ...]] = {
    "支付": ("payment", "pay"),
    "结算": ("checkout", "settlement"),
    "结账": ("checkout",),
    "购物车": ("cart", "basket"),
    "订单": ("order", "orders"),
    "库存": ("inventory", "stock"),
    "商品目录": ("catalog", "catalogue", "productcatalog"),
    "商品": ("product", "productcatalog", "catalogue"),
    "推荐": ("recommendation",),
    "网关": ("gateway",),
    "物流": ("shipping", "delivery"),
    "配送": ("shipping", "delivery"),
    "邮件": ("email",),
    "广告": ("ad",),
    "货币": ("currency",),
    "前端": ("frontend", "web"),
    "登录": ("login", "auth"),
    "认证": ("auth",),
    "用户": ("user", "users"),
    "搜索": ("search",),
    "评论": ("review", "reviews"),
    "报价": ("quote",),
}
"""What shops and banks call their services in Chinese; a name counts where a service of that meaning is known."""
_SAYS_SERVICE = r"(?=服务|系统|模块|应用|组件|接口|呢)"


@dataclass(frozen=True, slots=True)
class Mention:
    """A service and where it is named; `sure` is less than 1 where the spelling had to be guessed."""

    service: str
    span: Span
    sure: float = 1.0


def find_services(
    text: str, *, services: Sequence[str], aliases: Mapping[str, str] | None = None
) -> tuple[Mention, ...]:
    """Services that a plain text names, in its order; those that it leaves out on purpose are not among them."""
    found = _longest(_literal(text, services, aliases or {}))
    found += [each for each in _misspelt(text, services) if not _taken(each, found)]
    channels = [match.span() for _, words in CHANNELS for match in words.finditer(text)]
    found = [each for each in found if not any(a <= each.span[0] and each.span[1] <= b for a, b in channels)]
    kept = [each for each in found if not _EXCEPT.search(text[max(0, each.span[0] - 80) : each.span[0]])]
    named = [each for each in kept if not _is_everyday(each, text)]
    return tuple(sorted(named, key=lambda each: each.span))


def unknown_name(text: str) -> str:
    """A name that is written like that of a service; '' where there is none."""
    found = _UNKNOWN.search(text)
    return (found["a"] or found["b"]) if found else ""


def alias_table(configured: Mapping[str, str | Sequence[str]], services: Iterable[str]) -> dict[str, str]:
    """Aliases as alias to service, however they were given: also a service with all its aliases."""
    known, table = set(services), {}
    for key, value in configured.items():
        if isinstance(value, str):
            alias, service = (value, key) if key in known and value not in known else (key, value)
            table[alias] = service
        else:
            table.update(dict.fromkeys(value, key))
    return {alias: service for alias, service in table.items() if not known or service in known}


def _literal(text: str, services: Sequence[str], aliases: Mapping[str, str]) -> list[Mention]:
    names = _patterns(tuple(services), tuple(aliases.items()))
    return [Mention(service, match.span()) for words, service in names for match in words.finditer(text)]


@lru_cache(maxsize=16)  # estates that are asked about at the same time: their patterns are made once
def _patterns(
    services: tuple[str, ...], aliases: tuple[tuple[str, str], ...]
) -> tuple[tuple[re.Pattern[str], str], ...]:
    names: list[tuple[re.Pattern[str], str]] = [
        (_named(parts_of(name)), name) for name in services if parts_of(name)
    ]
    names += [(_named(core), name) for name, core in _cores(services).items()]
    for alias, service in aliases:
        written = plain(alias).removeprefix("the ").strip()
        if written:
            latin = re.fullmatch(r"[\x00-\x7f]+", written) and parts_of(written)
            names.append((_named(parts_of(written)) if latin else pattern(re.escape(written)), service))
    return (*names, *_by_meaning(services, dict(aliases)))


def parts_of(name: str) -> tuple[str, ...]:
    """The words of a name: at separators and at capitals inside it."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(plain(part) for part in re.split(r"[\s\-_./:]+", spaced) if part)


def _named(parts: tuple[str, ...]) -> re.Pattern[str]:
    inside = r"[\s\-_./:]*".join(re.escape(part) for part in parts)
    after = (
        r"(?:'s)?(?![a-z0-9])"
        if len(parts) > 1
        else r"(?:'s)?(?:(?![\-_]?[a-z0-9])|(?=-[a-z0-9]{5,10}-[a-z0-9]{5}(?![\w-])))"
    )
    before = r"(?<![a-z0-9])" if len(parts) > 1 else r"(?<![a-z0-9])(?<![a-z0-9][\-_])"
    return pattern(before + inside + _SUFFIX + after)


def _cores(services: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Names without the parts that say nothing: generic ones, and those that half of all services share."""
    split = {name: parts_of(name) for name in services}
    often = Counter(part for parts in split.values() for part in set(parts))
    common = {part for part, count in often.items() if len(services) >= 4 and 2 * count >= len(services)}
    cores = {
        name: tuple(p for p in parts if p not in GENERIC and p not in common) for name, parts in split.items()
    }
    cores |= {
        name: (parts[0].removesuffix("service"),)
        for name, parts in split.items()
        if len(parts) == 1 and parts[0].endswith("service") and len(parts[0]) > len("service") + 1
    }
    owners = Counter("".join(core) for core in cores.values())
    whole = {"".join(parts) for parts in split.values()}
    return {
        name: core
        for name, core in cores.items()
        if core and core != split[name] and len("".join(core)) >= 3 and owners["".join(core)] == 1
        if "".join(core) not in whole
    }


def _by_meaning(services: Sequence[str], aliases: Mapping[str, str]) -> list[tuple[re.Pattern[str], str]]:
    cores = _cores(services)
    known = {"".join(cores.get(name, parts_of(name))): name for name in services}
    found = []
    for chinese, meanings in _MEANINGS.items():
        service = next((known[meaning] for meaning in meanings if meaning in known), None)
        if service is not None and not any(chinese in alias for alias in aliases):
            only = (
                _SAYS_SERVICE
                if meanings[0] in VERBS or chinese in ("订单", "商品", "前端", "邮件", "评论", "登录")
                else ""
            )
            found.append((pattern(chinese + only), service))
    return found


def _longest(mentions: list[Mention]) -> list[Mention]:
    kept: list[Mention] = []
    for each in sorted(mentions, key=lambda m: (m.span[0] - m.span[1], m.span)):
        if not _taken(each, kept):
            kept.append(each)
    return kept


def _taken(mention: Mention, others: Iterable[Mention]) -> bool:
    return any(overlaps(mention.span, other.span) for other in others)


def _is_everyday(mention: Mention, text: str) -> bool:
    """Whether the word is more likely a verb or a noun here than a name."""
    word = text[slice(*mention.span)]
    if word not in VERBS:
        return False
    around = text[: mention.span[0]], text[mention.span[1] :]
    says_so = re.search(r"(?:service|服务|系统)\s*[\"'`]?$", around[0]) or re.match(
        r"[\"'`]?\s*(?:service|服务|系统)", around[1]
    )
    subject = re.search(
        r"\b(?:is|was|did|does|has|why|of|in|for|with|on|and|or|between)\s+[\"'`]?$", around[0]
    )
    return not (says_so or (subject and not re.match(r"\s+[a-z]+(?:s|ing)?\s+(?:of|for|in)\b", around[1])))


def _misspelt(text: str, services: Sequence[str]) -> list[Mention]:
    """Words that are one slip away from a name (two in a long one), from one name only."""
    words = [match for match in _WORD.finditer(text) if len(match[0]) >= 3]
    spans = [match.span() for match in words]
    spans += [(a.start(), b.end()) for a, b in pairwise(words) if text[a.end() : b.start()] == " "]
    written = _written(tuple(services))
    found = []
    for span in spans:
        word = re.sub(r"[\s\-_.]|'s$", "", text[slice(*span)])
        near = {name for form, names in written.items() if _near(word, form) for name in names}
        if len(near) == 1:
            found.append(Mention(near.pop(), span, 0.8))
    return _longest(found)


@lru_cache(maxsize=16)
def _written(services: tuple[str, ...]) -> Mapping[str, set[str]]:
    """Names and their cores without separators, long enough to be guessed at, each with the services that it may mean."""
    cores = _cores(services)
    written: dict[str, set[str]] = {}
    for name in services:
        for parts in (parts_of(name), cores.get(name, ())):
            if len("".join(parts)) >= SHORTEST_FUZZY:
                written.setdefault("".join(parts), set()).add(name)
    return written


def _near(word: str, name: str) -> bool:
    allowed = 1 if len(name) <= 8 else 2
    if len(word) < SHORTEST_FUZZY or abs(len(word) - len(name)) > allowed or word[0] != name[0]:
        return False
    if word == name or word.rstrip("s") == name.rstrip("s"):
        return word == name
    return distance(word, name) <= allowed


def distance(first: str, second: str) -> int:
    """Slips between two words: a letter more, less, other, or two exchanged."""
    before: list[int] = []
    above = list(range(len(second) + 1))
    for row, a in enumerate(first, 1):
        line = [row]
        for column, b in enumerate(second, 1):
            cost = min(above[column] + 1, line[-1] + 1, above[column - 1] + (a != b))
            if row > 1 and column > 1 and a == second[column - 2] and first[row - 2] == b:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, above = above, line
    return above[-1]
