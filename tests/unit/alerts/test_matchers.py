from __future__ import annotations

import pytest
import re2  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from sre_copilot.alerts.go_text import quoted, unquoted
from sre_copilot.alerts.matcher_index import MatcherIndex
from sre_copilot.alerts.matchers import (
    OPERATORS,
    Matcher,
    all_match,
    canonical,
    of_api,
    parse_labels,
    parse_matchers,
    regex_matchers,
)
from sre_copilot.errors import UsageError

NAMES = st.text(min_size=1, max_size=8)
VALUES = st.text(max_size=12)
PATTERNS = st.sampled_from(["", ".*", "a|b", "[a-z]+", "(?i)API", r"\d+", "a.c", "x\ny", 'q"'])
MATCHERS = st.one_of(
    st.builds(Matcher, NAMES, st.sampled_from(OPERATORS[:2]), VALUES),
    st.builds(Matcher, NAMES, st.sampled_from(OPERATORS[2:]), PATTERNS),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("{}", []),
        ("{", []),  # read by the older grammar alone, as in Alertmanager
        ("job=api", [("job", "=", "api")]),
        ("{job=api,}", [("job", "=", "api")]),
        ('{ job = "api" , env != "test", }', [("job", "=", "api"), ("env", "!=", "test")]),
        ('job=~"api|web",env!~"dev.*"', [("job", "=~", "api|web"), ("env", "!~", "dev.*")]),
        ('{"service.name"="shop"}', [("service.name", "=", "shop")]),
        ("{服务=支付🙂}", [("服务", "=", "支付🙂")]),
        (
            r'{a="\U0001f642\x41\101\t"}',
            [("a", "=", "\\U0001f642\\x41\\101\\t")],
        ),  # both read it: the older counts
        (r'{"a b"="\U0001f642\x41\101\t"}', [("a b", "=", "🙂AA\t")]),  # only the newer reads it
        (r'{a="say \"hi\"\n\\"}', [("a", "=", 'say "hi"\n\\')]),
        ('{a="b,c",d="}"}', [("a", "=", "b,c"), ("d", "=", "}")]),
        ("a=b c", [("a", "=", "b c")]),  # from here on only the older grammar takes it
        ("a=", [("a", "=", "")]),
        ("{a=", [("a", "=", "")]),
        ("tricky=~~~", [("tricky", "=~", "~~")]),
        (r"a=b\n", [("a", "=", "b\n")]),
        ("{a='}", [("a", "=", "'")]),
        ("a==b", [("a", "=", "=b")]),
        ("{a=b}}", [("a", "=", "b}")]),
    ],
)
def test_matchers_are_read_in_every_form(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(each.name, each.operator, each.value) for each in parse_matchers(text)] == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (",", "a label name was expected at column 1"),
        ("{,}", "a label name was expected at column 2"),
        ('{"a b"=c', "a closing brace was expected"),
        ('"a b"=c}', "the end was expected at column 8, not '}'"),
        ("a", "one of =, !=, =~, !~ was expected at column 2"),
        ('a="b', "the quote at column 3 is not closed"),
        ('a=b"', "the quote at column 4 is not closed"),
        ('"a b"="\\w"', "unknown escape"),
        ('"a b"="\\xf0\\x9f"', "cannot be read"),
        ('""=b', "a label name that is not empty"),
        ('a=~"[x"', "the pattern '[x' cannot be used"),
        ('a=~"(?=b)c"', "without look-around"),
        ('"a b"=c d=e', "a comma or the end was expected"),
        ("a" * 70_000, "70000 characters"),
    ],
)
def test_a_text_that_is_no_matcher_is_refused_with_the_place_and_the_way_out(text: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_matchers(text)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("matcher", "labels", "matches"),
    [
        (Matcher("a", "=", ""), {}, True),
        (Matcher("a", "!=", ""), {}, False),
        (Matcher("a", "!=", "x"), {}, True),
        (Matcher("a", "=~", ".*"), {}, True),
        (Matcher("a", "=~", ".+"), {}, False),
        (Matcher("a", "!~", ".+"), {}, True),
        (Matcher("a", "=~", "api"), {"a": "api-2"}, False),  # the whole value
        (Matcher("a", "=~", "api|web"), {"a": "web"}, True),
        (Matcher("a", "=~", "a.c"), {"a": "a\nc"}, False),
        (Matcher("a", "=~", "(?s)a.c"), {"a": "a\nc"}, True),
        (Matcher("a", "=~", "api"), {"a": "api\n"}, False),
        (Matcher("a", "=~", "\\p{Han}+"), {"a": "支付"}, True),
        (Matcher("a", "=", "x"), {"a": "x", "b": "y"}, True),
    ],
)
def test_a_matcher_means_what_it_means_to_alertmanager(
    matcher: Matcher, labels: dict[str, str], matches: bool
) -> None:
    assert matcher.matches(labels) is matches


@given(
    st.text(alphabet="ab|.*?+x{}1,", max_size=8),
    st.text(alphabet="abx1", max_size=6),
)
def test_short_cuts_of_patterns_change_no_answer(text: str, value: str) -> None:
    try:
        matcher = Matcher("a", "=~", text)
    except UsageError:
        return
    plain = re2.compile(f"^(?:{text})$").search(value)
    assert matcher.accepts(value) is (plain is not None)


def test_a_hostile_pattern_takes_linear_time_and_a_huge_one_is_refused() -> None:
    assert not Matcher("a", "=~", "(a+)+b").matches({"a": "a" * 50_000})
    with pytest.raises(UsageError, match="cannot be used"):
        Matcher("a", "=~", "((a{1000}){1000}){1000}")


def test_the_canonical_text_is_sorted_and_quotes_names_that_need_it() -> None:
    matchers = parse_matchers('{z="1",a!="2",a=~"2",a="2","b c"="ü\\n"}')
    assert canonical(matchers) == '{a="2",a!="2",a=~"2","b c"="ü\\n",z="1"}'
    assert canonical(()) == "{}"


def test_patterns_of_the_older_key_show_their_anchors() -> None:
    (matcher,) = regex_matchers({"owner": "team-(B|C)"})
    assert matcher.text == 'owner=~"^(?:team-(B|C))$"'
    assert matcher.accepts("team-C")
    assert not matcher.accepts("team-CC")


@given(st.lists(MATCHERS, max_size=4))
def test_what_is_written_is_read_back(matchers: list[Matcher]) -> None:
    assert list(parse_matchers(canonical(matchers))) == sorted(matchers)


@given(MATCHERS)
def test_the_form_of_the_api_is_read_back(matcher: Matcher) -> None:
    assert of_api(matcher.to_api()) == matcher


def test_the_form_of_the_api_means_equal_where_it_does_not_say() -> None:
    assert of_api({"name": "a", "value": "b", "isRegex": True}) == Matcher("a", "=~", "b")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("a=b", "must be an object"),
        ({"value": "b"}, "name: must be"),
        ({"name": "a"}, "value: must be"),
        ({"name": "a", "value": "b", "isRegex": "yes"}, "must be true or false"),
    ],
)
def test_a_wrong_matcher_of_the_api_is_refused_by_its_field(data: object, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        of_api(data)


def test_labels_are_read_as_amtool_takes_them() -> None:
    assert parse_labels(["a=b", 'c="d e"', "f=g,h=i"]) == {"a": "b", "c": "d e", "f": "g", "h": "i"}
    with pytest.raises(UsageError, match="write a=VALUE"):
        parse_labels(["a!=b"])


@given(st.text(max_size=20))
def test_quoted_text_is_read_back(text: str) -> None:
    assert unquoted(quoted(text)[1:-1]) == text


def test_text_is_quoted_as_go_does_it() -> None:
    assert (
        quoted('a"b\\c\n\t\x01\x7f é\u202f\U000e0001') == '"a\\"b\\\\c\\n\\t\\x01\\x7f é\\u202f\\U000e0001"'
    )


LABELS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y", "z"]), max_size=3)
SMALL = st.builds(
    Matcher, st.sampled_from("abc"), st.sampled_from(OPERATORS), st.sampled_from(["", "x", "y", "x|z", ".+"])
)


@given(
    st.dictionaries(st.sampled_from("12345"), st.lists(SMALL, max_size=3).map(tuple), max_size=5),
    st.sets(st.sampled_from("12345")),
    st.lists(LABELS, max_size=5),
)
def test_the_index_finds_what_asking_each_set_finds(
    sets: dict[str, tuple[Matcher, ...]], gone: set[str], asked: list[dict[str, str]]
) -> None:
    index = MatcherIndex()
    for key, matchers in sets.items():
        index.put(key, matchers)
    for labels in asked:  # once before some are taken away, so that nothing is remembered wrongly
        index.matching(labels)
    for key in gone:
        index.remove(key)
    for labels in asked:
        expected = tuple(sorted(k for k, m in sets.items() if k not in gone and all_match(m, labels)))
        assert index.matching(labels) == expected
