"""A model's wording is taken only when it says nothing that the claims do not say."""

from __future__ import annotations

import pytest

from sre_copilot.agents.answer import Claim
from sre_copilot.agents.prose import Sentence, faithful, taken

SOURCE = "CPU of checkout is at 101 % of its limit; its own median is 6 %"
CHINESE = "checkout 的 CPU 达到其限额的 101%，自身中位数为 6%"


@pytest.mark.parametrize(
    "text",
    [
        SOURCE,
        "CPU of checkout is at 101 % of its limit, median 6 %",
        "CPU of checkout: at 101 % of limit (median 6 %)",
    ],
)
def test_the_same_with_words_left_out_is_faithful(text: str) -> None:
    assert faithful(text, [SOURCE])


@pytest.mark.parametrize(
    "text",
    [
        "CPU of payment is at 101 % of its limit",
        "CPU of checkout is at 99 % of its limit",
        "CPU of checkout is not at 101 % of its limit; median 6 %",
        "CPU of checkout is at 6 %",
        "CPU of checkout is at 6 % of its limit; its own median is 101 %",
        "Limit of checkout is at 101 % of its CPU; median 6 %",
        "CPU of checkout caused the outage",
        "CPU of checkout rose to 101 % of its limit",
        "See [here](http://evil.example) for checkout",
        "",
        SOURCE + " " + SOURCE,
        "CPU of checkout\nis at 101 %",
    ],
)
def test_another_name_number_direction_negation_or_notion_is_not_faithful(text: str) -> None:
    assert not faithful(text, [SOURCE])


def test_chinese_is_held_to_its_characters_and_polarity() -> None:
    assert faithful("checkout 的 CPU 达到限额的 101%，中位数为 6%", [CHINESE])
    assert not faithful("checkout 的 CPU 未达到限额的 101%，中位数为 6%", [CHINESE])
    assert not faithful("checkout 的 CPU 导致故障 101%，中位数 6%", [CHINESE])


def test_who_did_what_to_whom_keeps_its_order() -> None:
    source = "Calls from frontend to checkout lose 59 ms, normally 4 ms"
    assert faithful("Calls from frontend to checkout lose 59 ms (normally 4 ms)", [source])
    assert not faithful("Calls from checkout to frontend lose 59 ms, normally 4 ms", [source])


def test_an_unfaithful_sentence_leaves_the_own_one_in_place() -> None:
    claim = Claim(text=SOURCE, finding_ids=("F-1",))
    lie = Sentence(cites=["F-1"], text="payment is at fault")
    good = Sentence(cites=["F-1"], text="CPU of checkout: at 101 % of its limit (median 6 %)")
    assert taken([claim], [lie]) == (claim,)
    assert taken([claim], [good])[0].text == good.text


def test_a_sentence_that_cites_other_findings_is_not_taken() -> None:
    claim = Claim(text=SOURCE, finding_ids=("F-1",))
    assert taken(
        [claim], [Sentence(cites=["F-2"], text="CPU of checkout: at 101 % of its limit (median 6 %)")]
    ) == (claim,)
