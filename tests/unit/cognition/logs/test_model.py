"""Templates of a stream, and of raw buffers."""

from __future__ import annotations

import json
import random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.cognition.logs.miner import Miner, mine
from sre_copilot.cognition.logs.model import LogModel


def test_an_id_stays_from_batch_to_batch_and_through_a_saved_state() -> None:
    model = LogModel()
    first = model.assign(pl.Series(["cart 1 opened", "lamp lost"]), at=1.0)
    again = LogModel.of(json.loads(json.dumps(model.state())))
    second = again.assign(pl.Series(["lamp lost", "door jammed", "cart 9 opened"]), at=2.0)
    assert second[0] == first[1]
    assert second[2] == first[0]
    assert second[1] not in first


def test_the_least_recently_seen_templates_are_forgotten_and_their_ids_never_used_again() -> None:
    model = LogModel(most_templates=20)
    kept = model.assign(pl.Series(["the lamp is lost"]), at=0.0)[0]
    for batch in range(30):
        words = [
            f"{chr(97 + batch % 26)}{chr(97 + each)} word{'x' * batch} stands alone" for each in range(3)
        ]
        assert model.assign(pl.Series(["the lamp is lost", *words]), at=float(batch))[0] == kept
    assert len(model.templates) <= 20
    assert model.evicted > 0
    assert max(model.templates) >= 20


def test_merging_says_which_id_each_template_of_the_other_has_here() -> None:
    one, other = LogModel(), LogModel()
    here = one.assign(pl.Series(["cart 1 opened", "lamp lost"]), at=1.0)
    there = other.assign(pl.Series(["door jammed", "lamp lost"]), at=2.0)
    ids = one.merge(other)
    assert ids[int(there[1])] == here[1]
    assert one.assign(pl.Series(["door jammed"]), at=3.0)[0] == ids[int(there[0])]


def test_a_buffer_gives_what_a_column_gives() -> None:
    lines = [
        "cart 1 opened",
        '{"msg": "lamp 3 lost"}',
        "",
        "用户 张三 登录 7 次",
        "a\tb  c /x/y 12",
        "last 1",
    ]
    miner = Miner()
    ids = miner.mine_buffer("\n".join(lines).encode())
    mined = mine(pl.Series(lines))
    assert [miner.templates[each] for each in ids] == [mined.templates[each] for each in mined.template_id]


@given(st.binary(max_size=400))
def test_any_bytes_give_a_template_a_line(buffer: bytes) -> None:
    miner = Miner()
    ids = miner.mine_buffer(buffer)
    assert len(ids) == buffer.count(b"\n") + (buffer != b"" and not buffer.endswith(b"\n"))
    assert all(0 <= each < len(miner.templates) for each in ids)


def test_very_long_words_and_locations_do_not_break_the_bounds_of_a_line() -> None:
    lines = [
        "a.py:" + "7" * 5_000,
        "x" * 5_000,
        "时" * 2_000,
        "/p" * 3_000,
        "k=" + "v" * 3_000,
        "C#" + "1" * 4_000,
    ]
    assert len(Miner().mine_buffer("\n".join(lines).encode())) == len(lines)


def test_values_that_vary_in_two_places_at_once_do_not_give_a_template_a_line() -> None:
    rng = random.Random(3)  # noqa: S311

    def word() -> str:
        return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=9))

    lines = [f"user {word()} of group {word()} left the shop" for _ in range(12_000)]
    lines += ["the shop is closed", "the shop is open"]
    mined = mine(pl.Series(lines))
    assert "user <*> of group <*> left the shop" in mined.templates
    assert len(mined.templates) < 10


def test_a_statement_with_open_data_at_its_end_keeps_its_template_in_the_next_batch() -> None:
    miner = Miner()
    head = "Till#7 sold"
    miner.mine(pl.Series([f"{head} {rest}" for rest in ("a b c", "d e", "f g h i", "k")]))
    known = len(miner.templates)
    miner.mine(pl.Series([f"{head} l m n o p"]))
    assert len(miner.templates) == known
