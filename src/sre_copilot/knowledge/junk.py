"""What should not be believed: advertisements, orders to a machine, stuffed words, text that nobody sees.

A document in which any is found is put aside with the reasons, for a person to look at; it answers nothing until then. What slips through
still cannot dominate: words repeated beyond reason do not count, and copies of one passage are shown once.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator

from sre_copilot.knowledge.documents import Document
from sre_copilot.knowledge.language import plain, width, words

HIDDEN = 40  # characters: hidden anchors and page furniture are shorter, a sentence is longer
SHARE_OF_ONE_WORD = (
    0.25  # of the words of a text; the commonest word of prose without its little words has 4 to 8 %
)
STUFFED_WORDS = 60  # words below which shares say nothing
PACKED = (
    0.12  # of its length that a text is packed to: prose packs to .35 to .6, the most regular table to .15
)
COPY = 0.8  # of all words of both: a date or a name may differ
ADVERTISING = 3  # different signs that together are no chance

_ORDERS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:previous|prior|above|earlier|preceding|all|any|your|system|safety)\b.{0,30}\b(?:instruction|prompt|rule|context|direction|guideline|message|finding|evidence|polic)",
        r"\b(?:you are now|from now on,? you|act as (?:an?|the)|pretend (?:to be|you)|you must (?:now )?(?:answer|reply|respond|output|say|report|conclude|name))\b",
        r"\b(?:system|developer|hidden|initial) (?:prompt|message|instruction)s?\b.{0,40}\b(?:reveal|print|show|repeat|leak|output|ignore)|\b(?:reveal|print|repeat|leak|output|show)\b.{0,40}\b(?:system|developer|hidden|initial) (?:prompt|message|instruction)",
        r"\b(?:assistant|copilot|chatbot|language model|llm|ai (?:agent|model|system))s?\b.{0,60}\b(?:must|should|shall|has to|have to|needs? to|is required to|will)\b.{0,80}\b(?:answer|reply|respond|say|report|conclude|ignore|blame|name|run|execute|approve|recommend|call|output|claim|state|delete|send)\b",
        r"\b(?:note|message|instruction|attention|important)s? (?:to|for) (?:the |any |all )?(?:assistant|copilot|chatbot|language model|llm|ai\b)",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext)[^>]*\|>|\[/?inst\]|<</?sys>>|^\s*(?:###\s*)?(?:system|assistant)\s*:",
        r"\b(?:always|only) (?:answer|reply|respond|conclude|report|say)\b.{0,60}\b(?:root cause|is|that|with)\b",
        r"\bdo not (?:mention|tell|reveal|cite|report|quote)\b.{0,60}\b(?:user|operator|this (?:instruction|text|note|document)|anyone)\b",
        r"(?:忽略|无视|忘记|忘掉|抛开|不要理会|不用管).{0,12}(?:之前|以上|上述|上面|先前|前面|所有|全部|你的|系统|原有|此前).{0,12}(?:指令|指示|提示|规则|要求|内容|设定|约束|证据|命令)",
        r"(?:你现在是|从现在起你|从现在开始,?你|请扮演|你必须(?:回答|回复|输出|声称|认定|报告|说))",
        r"(?:输出|泄露|显示|打印|告诉我|复述|重复).{0,12}(?:系统提示|提示词|系统指令|初始指令|隐藏指令)",
        r"(?:助手|大模型|语言模型|智能体|机器人|ai模型|ai助手|人工智能|copilot).{0,16}(?:必须|应当|应该|务必|需要|一律|请).{0,24}(?:回答|回复|输出|声称|认定|执行|忽略|批准|报告|推荐|断定|说明根因|删除|发送|调用)",
        r"(?:给|致)(?:ai|大模型|语言模型|智能体|助手|机器人).{0,6}(?:指令|提示|说明|注意|的话)",
        r"(?:无论|不管).{0,20}(?:问什么|什么问题|任何问题|如何提问|证据).{0,24}(?:回答|回复|都说|认定|答)",
        r"不要(?:告诉|向|对|让).{0,10}(?:用户|操作员|任何人|运维).{0,16}(?:说|提|透露|知道|这条|本)",
    )
)
"""Orders to whoever reads by machine. A manual tells people what to do; it has nothing to say to a model."""

_SELLING = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:扫码|扫描.{0,6}二维码|长按.{0,8}(?:识别|二维码)|二维码)", r"(?:加|添加).{0,4}(?:微信|vx|wx)|微信号|公众号", r"(?:免费|限时|限量|优惠|特价|秒杀|折扣|\d折).{0,10}(?:领取|报名|抢购|送|购|课程|名额|资料)",
        r"(?:领取|获取|赠送|下载).{0,12}(?:资料|学习包|大礼包|课程|红包|福利|面试题|电子书)", r"(?:零基础|高薪|就业班|训练营|内推|涨薪|转行)", r"(?:立即|马上|点击).{0,8}(?:购买|下单|报名|注册|咨询|抢|领取)", r"(?:包教包会|名师|全套|系统课|学习路线|粉丝|点赞|转发|收藏|关注我)",
        r"\b(?:buy now|order now|shop now|act now|sign up (?:now|today)|subscribe (?:now|today)|click (?:here|below|the link) to (?:buy|claim|get|order|win))\b", r"\b(?:limited[- ]time|special|exclusive) (?:offer|deal|discount|price)|\b\d{1,2} ?% off\b|\bpromo code\b|\bcoupon code\b",
        r"\b(?:free (?:trial|gift|bonus|e-?book|course)|money[- ]back guarantee|risk[- ]free)\b", r"\b(?:casino|viagra|crypto (?:giveaway|signals)|get rich|earn \$?\d+|make money|work from home)\b", r"\b(?:follow us|like and share|scan the qr|qr code to|dm us|whatsapp us|join our (?:telegram|discord))\b",
        r"\b(?:best[- ]in[- ]class|world'?s (?:best|leading)|#1|number one) (?:solution|platform|tool|provider|course)\b", r"\b(?:contact (?:our )?sales|book a demo|request a (?:demo|quote)|call now)\b",
    )
)  # fmt: skip
"""Signs of selling; one or two are in many an honest document, an order of a shop for instance."""


def suspicions(document: Document) -> tuple[str, ...]:
    """Why a document should be looked at before it is used; none when nothing was found."""
    return tuple(_suspicions(document))


def orders(text: str) -> str:
    """The first order to a machine in a text; '' when there is none."""
    flat = re.sub(r"[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]", "", plain(text))
    for pattern in _ORDERS:
        for line in flat.split("\n"):
            if found := pattern.search(line):
                return found.group()[:120]
    return ""


def stuffed(text: str) -> str:
    """The word that a text is stuffed with; '' when there is none."""
    counted = Counter(words(text).own)
    total = sum(counted.values())
    if total < STUFFED_WORDS:
        return ""
    word, count = counted.most_common(1)[0]
    packed = len(zlib.compress(text.encode(), 6)) / max(len(text.encode()), 1)
    return word if count > SHARE_OF_ONE_WORD * total or packed < PACKED else ""


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two texts are copies of each other but for a few words."""
    return len(one & other) >= COPY * max(len(one | other), 1)


def _suspicions(document: Document) -> Iterator[str]:
    hidden = " ".join(document.hidden)
    if width(hidden) > HIDDEN or orders(hidden):
        yield f"holds text that a reader does not see: “{_short(hidden)}”"
    for block in document.blocks:
        if order := orders(block.text):
            yield f"gives orders to a machine: “{_short(order)}”"
            break
    text = "\n".join(block.text for block in document.blocks)
    if word := next(
        (found for part in (text, *(b.text for b in document.blocks)) if (found := stuffed(part))), ""
    ):
        yield f"repeats itself beyond reason: “{_short(word)}”"
    signs = (pattern.search(plain(text)) for pattern in _SELLING)
    selling = [sign.group() for sign in signs if sign]
    if len(selling) >= ADVERTISING:
        yield f"advertises: “{_short('”, “'.join(selling))}”"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 120 else f"{flat[:119]}…"
