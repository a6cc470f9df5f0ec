"""Questions find what answers them in either language; what no document answers is declined."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.knowledge.base import DOCUMENTS, QUESTIONS, UNANSWERABLE

from sre_copilot.errors import UsageError
from sre_copilot.eval.library.base import filled
from sre_copilot.eval.library.documents import even
from sre_copilot.eval.library.fonts import letters_of
from sre_copilot.eval.library.retrieval import document_names
from sre_copilot.eval.library.written import font, write_pdf
from sre_copilot.knowledge.answering import answer, judge
from sre_copilot.knowledge.asked_for import asked_for, counted, holds, kind_of, tells, things, values
from sre_copilot.knowledge.documents import read_bytes, read_document
from sre_copilot.knowledge.evidence import Asked, weigh
from sre_copilot.knowledge.index import HybridIndex
from sre_copilot.knowledge.language import language, sentences, stem, words
from sre_copilot.knowledge.lexical import LexicalIndex
from sre_copilot.knowledge.library import Knowledge
from sre_copilot.knowledge.terms import Meanings, terms


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knowledge]:
    folder = tmp_path_factory.mktemp("documents")
    for name, text in DOCUMENTS.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    with filled(sorted(folder.glob("*.md"))) as found:
        yield found


@pytest.mark.parametrize("crossed", [False, True])
def test_the_document_that_answers_is_among_the_first_three(knowledge: Knowledge, crossed: bool) -> None:
    names = document_names(knowledge.shelf)
    asked = [(text, expected) for text, expected, other in QUESTIONS if other is crossed]
    found = [
        {names[each.passage.document_id] for each in knowledge.search(text, limit=3)} for text, _ in asked
    ]
    right = [bool(names & set(expected)) for names, (_, expected) in zip(found, asked, strict=True)]
    assert sum(right) / len(right) >= 0.9


def test_what_is_quoted_is_in_the_document_word_by_word(knowledge: Knowledge) -> None:
    names = document_names(knowledge.shelf)
    quotes = [each for text, _, _ in QUESTIONS for each in knowledge.answer(text).quotes]
    assert len(quotes) >= len(QUESTIONS) / 2
    for each in quotes:
        for part in each.passage.text.split("\n\n"):
            assert part in DOCUMENTS[names[each.passage.document_id]]


def test_most_of_what_no_document_answers_is_declined(knowledge: Knowledge) -> None:
    declined = [not knowledge.answer(text).quotes for text in UNANSWERABLE]
    assert sum(declined) >= len(declined) - 2


def test_a_refusal_says_what_no_document_speaks_of(knowledge: Knowledge) -> None:
    answered = knowledge.answer("Which cloud provider stores the full backups of the billing database?")
    assert answered.quotes == ()
    assert set(answered.missing) & {"cloud", "provider"}
    assert answered.nearest


def test_scores_are_shares_of_certainty(knowledge: Knowledge) -> None:
    found = knowledge.search("how long are billing backups kept", limit=5)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    assert all(0 <= each.score <= 1 for each in found)
    assert (
        found[0].score
        > 0.6
        > max((e.score for e in knowledge.search("who won the football match")), default=0.0)
    )


def test_pages_and_words_survive_a_pdf_in_chinese(tmp_path: Path) -> None:
    pytest.importorskip("pdfplumber")
    pytest.importorskip("fpdf")
    try:
        letters = font()
    except UsageError as error:
        pytest.skip(str(error))
    document = read_bytes((DOCUMENTS["redis-zh"] * 3).encode(), name="x.md")
    small = letters_of(letters, DOCUMENTS["redis-zh"] + "0123456789", tmp_path / "letters.ttf")
    written = write_pdf(document, tmp_path / "x.pdf", letters=small)
    read = read_document(written.path)
    assert read.pages == len(written.pages)
    for block in read.blocks:
        assert block.page is not None
        assert even(block.text) in even(written.pages[block.page - 1])


@pytest.mark.parametrize(
    ("question", "kind", "yes", "no"),
    [
        ("How long are logs kept?", "duration", "Logs are kept for 9 days.", "Logs are kept."),
        ("租期多久？", "duration", "租期为三十秒。", "租期由服务决定。"),
        ("What is the fee for a payout?", "money", "A payout costs 2 €.", "A payout takes a day."),
        ("哪一年上线的？", "year", "2021 年上线。", "去年上线。"),
        ("How many replicas are there?", "number", "There are six replicas.", "There are replicas."),
    ],
)
def test_an_answer_holds_the_kind_of_thing_that_is_asked_for(
    question: str, kind: str, yes: str, no: str
) -> None:
    assert asked_for(question) == kind
    assert holds(yes, kind)
    assert not holds(no, kind)


def test_things_are_named_beside_the_question_word() -> None:
    assert things("Which cloud provider hosts it?") == ("cloud", "provider")
    assert things("堡垒机用的是哪个厂商的产品") == ("厂商",)
    assert things("How long does it take?") == ()


def test_meanings_are_the_same_in_both_languages() -> None:
    shared = set(words("数据库连接池耗尽").shared) & set(
        words("the database connection pool is exhausted").shared
    )
    assert {"~database", "~connection pool", "~exhausted"} <= shared


def test_words_of_one_stem_meet_and_sentences_join_to_their_text() -> None:
    assert len({stem(each) for each in ("expires", "expired", "expiry", "expire")}) == 1
    assert sentences("Wait 3.5 s. Then restart! 再检查。完成") == (
        "Wait 3.5 s.",
        "Then restart!",
        "再检查。",
        "完成",
    )
    assert (language("Redis 内存不足怎么办"), language("what does the log mean by 内存")) == ("zh", "en")


def test_stuffing_a_passage_with_a_word_gains_little() -> None:
    index = LexicalIndex([["pool", "full", "restart", "cart"], ["pool"] * 50, ["other"]])
    honest, stuffed, other = index.scores(["pool", "full", "cart"])
    assert honest > 1.5 * stuffed
    assert stuffed < 1.5 / 3
    assert other == 0


def test_an_answer_is_declined_when_its_document_is_taken_away(knowledge: Knowledge) -> None:
    asked = "How long are full backups of the billing database kept?"
    key = knowledge.answer(asked).quotes[0].passage.document_id
    assert document_names(knowledge.shelf)[key] == "backup-en"
    senses = knowledge.shelf.vectors.senses(model=knowledge.shelf.encoder.id)
    kept = [each for each in knowledge.shelf.passages() if each.document_id != key]
    rest = HybridIndex(kept, senses=senses, encoder=knowledge.shelf.encoder)
    assert answer(asked, rest).quotes == ()


def test_the_evidence_is_more_for_what_is_told_than_for_what_is_left_out(knowledge: Knowledge) -> None:
    index, meanings = knowledge.index(), Meanings(knowledge.shelf.encoder)

    def chance(question: str) -> float:
        found = index.search(question, limit=5)
        return max(judge().chance(each) for each in weigh(Asked(question, index, meanings), found))

    told = chance("How long are full backups of the billing database kept?")
    assert told > 2 * chance("Which cloud provider stores the full backups of the billing database?")
    assert told > 2 * chance("What does storing the full backups of the billing database cost?")


def test_the_words_of_asking_are_no_terms() -> None:
    assert terms("How long does the watchdog keep p99 of v2.1?") == ("watchdog", "p99", "v2.1")
    assert terms("消费位点最多可以重置几次?") == ("消费", "位点", "重置")
    assert terms("") == ()


def test_a_word_is_near_to_its_translation_and_a_number_only_to_itself(knowledge: Knowledge) -> None:
    meanings = Meanings(knowledge.shelf.encoder)
    shares = meanings.spoken_of(("salary", "17"), ("每月的工资是 17 元", "磁盘写满了 18 次"))
    assert shares[0, 0] > 0.9
    assert shares[1, 0] < 0.3
    assert shares[:, 1].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("question", "kind", "yes", "no"),
    [
        ("Who approves it?", "who", "The duty manager approves it.", "It is approved in the tool."),
        ("这是谁批准的?", "who", "由值班经理批准。", "在平台上批准。"),
        ("Which version runs there?", "version", "It runs 5.2 now.", "It runs there."),
        ("What is the phone number?", "phone", "Call 4410.", "Call the desk."),
        ("Which port is open?", "which", "The open port is `adm-1`.", "the port is open"),
        ("How many of the 40 nodes are warm?", "number", "12 of the 40 are.", "40 nodes are there."),
    ],
)
def test_a_text_tells_only_what_the_question_has_not_said(
    question: str, kind: str, yes: str, no: str
) -> None:
    assert kind_of(question) == kind
    assert tells(yes, kind, question)
    assert not tells(no, kind, question)


def test_what_is_counted_stands_beside_a_number() -> None:
    assert counted("How many warm nodes does it have?") == ("warm", "nodes")
    assert counted("一共有多少台服务器?") == ("服务器",)
    assert counted("Why is it slow?") == ()
    assert [
        "3 nodes in zone 4"[start:end] for start, end in values("3 nodes in zone 4", "number", "in zone 4?")
    ] == ["3"]
