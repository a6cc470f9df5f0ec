"""What kind of thing a question asks for, and whether a text holds such a thing at all: a duration, an amount of money, a year, a number."""

from __future__ import annotations

import re

from sre_copilot.knowledge.language import plain, words
from sre_copilot.knowledge.terms import terms

_NUMBER = r"(?:\d[\d,.]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|sixty|hundred|half|a|an|each|every|once|twice|double)\b|[一二两三四五六七八九十百千万半每])"
_TIME = r"(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|nights?|weeks?|months?|quarters?|years?|毫秒|秒|分钟|分|小时|个小时|钟头|天|日|晚|夜|周|星期|个?月|季度|年)"
_DURATION = rf"{_NUMBER}\s*(?:个|or|-|to|至|到)?\s*{_TIME}(?![a-z])|\d\s*个?工作日|working days?|\b(?:hourly|daily|nightly|weekly|monthly|quarterly|yearly|immediately)\b|立即|实时"
_DATE = r"\b(?:19|20)\d\d\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|(?:mon|tues|wednes|thurs|fri|satur|sun)day|noon|midnight)\b|\d{1,2}:\d\d|\d+\s*(?:月|日|点|号)|[一二三四五六七八九十]+(?:月|点)|(?:周|星期)[一二三四五六日天]|凌晨|零点|中午"
_MONEY = r"[$€£¥￥]|\b(?:euros?|dollars?|usd|eur|cny|rmb|yuan|pounds?|cents?|free of charge)\b|\d\s*(?:元|块|万元|美元|欧元)|免费"

# What is asked for, by the words of the question, and what a text must then hold. The first that fits counts.
_KINDS: tuple[tuple[str, str, str], ...] = (
    (
        "money",
        r"\bhow much (?:money|does|do|did|is|was|were|are) .*\b(?:cost|pay|paid|charged?|earn)|\b(?:cost|price|fee|fees|fine|salary|budget|paid|charge us)\b|多少钱|费用|价格|成本|罚款|工资|费率|手续费|预算|造价",
        rf"{_MONEY}|\d\s*%",
    ),
    ("year", r"\b(?:which|what) year\b|哪一?年|几几年", r"(?:19|20)\d\d"),
    (
        "size",
        r"\bhow many (?:bytes|gigabytes|terabytes)|\bhow (?:big|large) is the (?:database|file|disk|message)|(?:体积|大小|消息体|容量).{0,6}(?:多大|多少)|多大",
        r"\d\s*(?:[kmgt]i?b|bytes?|兆|字节)\b|\d\s*(?:[kmgt]i?b)",
    ),
    (
        "duration",
        r"\bhow (?:long|often|soon|frequently|quickly)\b|\bhow many (?:milliseconds|seconds|minutes|hours|days|nights|weeks|months|years)\b|\bafter how many\b|\bretention\b|多久|多长时间|几天|几秒|几个?(?:小时|晚上|月|星期)|几分钟|多少(?:秒|天|分钟|小时|毫秒)|时长",
        _DURATION,
    ),
    (
        "date",
        r"^\s*when\b|\b(?:since|until|at) (?:when|what time)\b|\bwhat time\b|什么时候|何时|几点|哪天",
        rf"{_DATE}|{_DURATION}",
    ),
    (
        "number",
        r"\bhow (?:many|much|far|high|large|big|fast)\b|\b(?:maximum|minimum|average|what (?:rate|ratio|percentage|factor|share|success rate|deviation|threshold|limit))\b|多少|几(?:个|次|台|行|级|条|位|人|家|种)|比例|占比|阈值|上限|平均",
        r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|half|twice|double|no|none|all|nobody)\b|[一二两三四五六七八九十百千万半倍]",
    ),
)
_COMPILED = tuple((name, re.compile(asked), re.compile(held)) for name, asked, held in _KINDS)


def asked_for(question: str) -> str:
    """The kind of thing that is asked for; '' when it is none of those that are known."""
    flat = plain(question)
    return next((name for name, asked, _ in _COMPILED if asked.search(flat)), "")


def holds(text: str, kind: str) -> bool:
    """Whether a text holds a thing of this kind."""
    return next((held.search(plain(text)) is not None for name, _, held in _COMPILED if name == kind), True)


_ROLE = r"\b(?:team|officer|lead|manager|desk|guild|owner|group|engineers?|support|care|director|second person|role|holders?|shift|captain|board|nobody|staff|master)\b|组|人员|负责人|经理|主管|总监|工程师|指挥|同事|客服|没有人|双方|部同意|班"
_CAUSE = r"\b(?:because|since|so|causes?d?|reason|otherwise|due to|therefore|not|as (?:its|the|it))\b|[;:]|因为|由于|导致|所以|原因|造成|根因|否则|因此|会|没|不"
_VALUE = re.compile(
    r"(?<=[a-z0-9,;:)\"'|*] )[A-Z][A-Za-z0-9]+|\*\*|`[^`]+`|\*[^*]+\*|[A-Z][a-z]*[A-Z]\w*|\b[a-zA-Z]+-?\d\w*|“[^”]+”|\"[^\"]+\"|《[^》]+》|(?<=[\u4e00-\u9fff]) ?[A-Za-z]{2,}"
)
_AMOUNT = re.compile(
    r"\d[\d,.]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|half|no|none|nobody)\b|[一二两三四五六七八九十百千万半]+"
)
# Kinds that are looked for before those above: their words are plainer.
_PLAIN_KINDS: tuple[tuple[str, re.Pattern[str], re.Pattern[str]], ...] = (
    ("who", re.compile(r"\b(?:who|whose|whom)\b|谁|哪位|哪个人"), re.compile(_ROLE)),
    ("phone", re.compile(r"phone number|extension|电话|手机号|分机"), re.compile(r"\d{3,}")),
    (
        "version",
        re.compile(r"\b(?:which|what) version\b|(?:哪个|什么)版本"),
        re.compile(r"\d+\.\d+|\bv?\d+\b"),
    ),
    ("why", re.compile(r"\bwhy\b|为什么|为何|原因"), re.compile(_CAUSE)),
)
_OPEN = re.compile(r"\bwhich\b|\bwhat\b(?! (?:happens?|happened|do|does|is done|should|went|goes))|哪|什么")
ASKS_A_NUMBER = frozenset({"number", "size", "duration", "date", "year"})
PLAIN_TO_SEE = frozenset({"date", "money", "who", "version", "phone", "size", "year"})
"""Kinds whose absence is telling: how a text says a date, an amount of money or a role is known well, how it says a cause is not."""


def kind_of(question: str) -> str:
    """The kind of thing that is asked for, causes, people and names (`which`) too; '' when it is none of them."""
    flat = plain(question)
    found = next((name for name, asked, _ in _PLAIN_KINDS if asked.search(flat)), "") or asked_for(question)
    return found or ("which" if _OPEN.search(flat) else "")


def tells(text: str, kind: str, question: str) -> bool:
    """Whether a text holds a thing of this kind that the question has not said itself."""
    new = _without_numbers_of(question, text)
    if kind == "which":
        return bool(_names(text, question) or _AMOUNT.search(new))
    held = next((held for name, _, held in _PLAIN_KINDS if name == kind), None)
    return held.search(new) is not None if held else holds(new, kind)


def values(text: str, kind: str, question: str) -> tuple[tuple[int, int], ...]:
    """Where a text has what may be the answer: numbers, and names when it is asked which; not those of the question."""
    new = _without_numbers_of(question, text)
    found = [found.span() for found in _AMOUNT.finditer(new)]
    return (*found, *(_names(text, question) if kind == "which" else ()))


def _names(text: str, question: str) -> list[tuple[int, int]]:
    flat = plain(question)
    marked = [(found.span(), plain(found[0]).strip('`*"| ')) for found in _VALUE.finditer(text)]
    return [span for span, name in marked if name and name not in flat]


def _without_numbers_of(question: str, text: str) -> str:
    """A text whose numbers that the question says too are blotted out; places stay."""
    text = text.lower()
    for number in set(re.findall(r"\d[\d.,:]*", plain(question))):
        known = number.strip(".,:")
        text = re.sub(rf"(?<![\d.]){re.escape(known)}(?!\d)", "#" * len(known), text)
    return text


_COUNTED = re.compile(r"\bhow many (?:of (?:a |an |the |our )?)?((?:[a-z-]+ ?){1,3})")
_COUNTED_CHINESE = re.compile(r"(?:多少|几)[个台条次家位名块种笔张人枚款行]?([\u4e00-\u9fff]{2,6})")


def counted(question: str) -> tuple[str, ...]:
    """The words for what is counted, as in “how many warm nodes”, “多少台机器”: in an answer a number stands beside them."""
    flat = plain(question)
    if english := _COUNTED.search(flat):
        found = []
        for word in english[1].split():
            if not terms(word):
                break
            found.append(word)
        return tuple(found[:2])
    chinese = _COUNTED_CHINESE.search(flat)
    return terms(chinese[1])[:1] if chinese else ()


_WHICH = re.compile(r"\b(?:which|what)\s+([a-z][a-z-]*(?:\s+[a-z][a-z-]*)?)")
_WHICH_CHINESE = re.compile(r"(?:哪[个家些种台条一款]?|什么)([\u4e00-\u9fff]{2,5})")
_IS_WHICH_CHINESE = re.compile(r"([\u4e00-\u9fff]{2,4})(?:是|为)(?:哪[家个]|什么|谁)(?![\u4e00-\u9fff]{2})")


def things(question: str) -> tuple[str, ...]:
    """The things that are asked for by name, as in “which cloud provider”, “哪个厂商”: an answer speaks of them."""
    flat = plain(question)
    found: list[str] = []
    for group in _WHICH.findall(flat):
        for word in group.split():
            if not words(word).own:  # a little word: the thing is named before it
                break
            found.append(word)
    for pattern, start in ((_WHICH_CHINESE, 0), (_IS_WHICH_CHINESE, -2)):
        # two characters beside the question word: longer ones may already be the verb
        found += [each[start:] if start else each[:2] for each in pattern.findall(flat)]
    return tuple(dict.fromkeys(found))
