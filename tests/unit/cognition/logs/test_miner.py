"""Template mining."""

from __future__ import annotations

import random
import time

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from sre_copilot.cognition.logs.miner import Miner, mine
from sre_copilot.cognition.logs.templates import pattern

WORDS = ("opened", "closed", "moved", "lost", "found")


def lines_of(count: int = 60, seed: int = 1) -> list[str]:
    rng = random.Random(seed)  # noqa: S311
    return [
        rng.choice(
            [
                f"cart {rng.randrange(999)} opened by host-{rng.randrange(99)}.example",
                f"cart {rng.randrange(999)} closed after {rng.randrange(99)} ms",
                f"Shelf#31 lamp {rng.choice(WORDS)}",
                f"Shelf#34 lamp {rng.choice(WORDS)}",
                f"login of user {rng.choice(['ada', 'bob', 'cyd', 'dee'])} failed",
            ]
        )
        for _ in range(count)
    ]


def test_lines_of_one_statement_share_a_template_and_others_do_not() -> None:
    mined = mine(pl.Series(lines_of(400)))
    assert (
        sorted(mined.templates)
        == [
            "Shelf#31 lamp <*>",
            "Shelf#34 lamp <*>",
            "cart <*> closed after <*>",
            "cart <*> opened by <*>.example",
            "login of user <*> failed",
        ]
        or len(mined.templates) == 5
    )


def test_a_few_plain_words_are_parts_of_the_sentence() -> None:
    mined = mine(pl.Series(["disk startup of array succeeded", "disk shutdown of array succeeded"]))
    assert len(mined.templates) == 2


def test_many_identifiers_in_one_place_are_values() -> None:
    names = [f"mod_{letter}.core" for letter in "abcdefgh"]
    mined = mine(pl.Series([f"loading module {name} now" for name in names]))
    assert mined.templates == ("loading module <*> now",)


def test_statements_that_sound_alike_at_different_places_stay_apart() -> None:
    mined = mine(pl.Series([f"Till#{line} payment accepted today" for line in range(12)]))
    assert len(mined.templates) == 12


def test_the_cache_keeps_ids_from_batch_to_batch() -> None:
    miner = Miner()
    first = miner.mine(pl.Series(["cart 1 opened", "lamp lost"]))
    second = miner.mine(pl.Series(["lamp lost", "cart 77 opened", "door jammed"]))
    assert second.templates[: len(first.templates)] == first.templates
    assert second.template_id[0] == first.template_id[1]
    assert second.template_id[1] == first.template_id[0]


def test_a_known_template_takes_a_new_value() -> None:
    miner = Miner()
    miner.mine(pl.Series([f"login of user {name} failed" for name in ("ada", "bob", "cyd")]))
    miner.mine(pl.Series(["login of user zoe failed"]))
    assert miner.templates == ("login of user <*> failed",)


@settings(max_examples=25)
@given(st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(rng: random.Random) -> None:
    lines = lines_of()
    shuffled = lines[:]
    rng.shuffle(shuffled)
    one, other = mine(pl.Series(lines)), mine(pl.Series(shuffled))
    assert one.templates == other.templates
    assert dict(zip(lines, one.template_id, strict=True)) == dict(
        zip(shuffled, other.template_id, strict=True)
    )


@given(st.lists(st.text(max_size=60), max_size=12))
def test_every_line_gets_a_template(lines: list[str]) -> None:
    mined = mine(pl.Series(lines, dtype=pl.String))
    assert len(mined.template_id) == len(lines)
    assert all(0 <= each < len(mined.templates) for each in mined.template_id)


def test_a_pattern_finds_its_own_lines_and_no_others() -> None:
    lines = pl.Series(lines_of(200))
    mined = mine(lines)
    for identifier, template in enumerate(mined.templates):
        found = lines.str.contains(pattern(template))
        assert found.to_list() == (mined.template_id == identifier).to_list()


def test_a_pattern_finds_a_message_inside_json() -> None:
    raw = pl.Series(['{"message": "cart \\"blue\\" of 12 is full"}'])
    mined = mine(raw)
    assert raw.str.contains(pattern(mined.templates[0])).all()


def test_special_characters_are_literal() -> None:
    raw = pl.Series(["(a+b)* [x] 3$ ^ {y} | z?"])
    assert raw.str.contains(pattern(mine(raw).templates[0])).all()


def test_a_hundred_thousand_lines_take_well_under_two_seconds() -> None:
    lines = pl.Series(lines_of(1000) * 100)
    began = time.process_time()
    mine(lines)
    assert time.process_time() - began < 2.0
