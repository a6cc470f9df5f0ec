"""Workflows that were right until something was changed in them: every remark has line, path and the way out, and nothing else happens.

A few changes in the default suite; `SRE_COPILOT_FUZZ_SECONDS=180` makes about as many as that time allows.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sre_copilot.workflows.lint.known import Known
from sre_copilot.workflows.lint.linter import lint_text

SECONDS = int(os.environ.get("SRE_COPILOT_FUZZ_SECONDS", "0"))
EXAMPLES = 40 * SECONDS or 12
"""Of each of the two tests; a slow machine makes and lints about 80 a second."""
PHASES = [Phase.generate, Phase.target] if SECONDS else list(Phase)
LONG = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not SECONDS,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=PHASES,
)
FOLDER = Path(__file__).parents[3] / "examples" / "workflows"
TEXTS = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yaml"))]
KNOWN = Known(
    tools={"find_log_templates": {"type": "object"}}, actions={}, receivers=(), workflows=lambda key: None
)
WORDS = (
    "", "0", "-1", "1h", "-5m", "99999d", "{{", "{{ inputs.nobody }}", "{{ steps.logs.output }}", "}}", "steps.logs.output.rows > 'a'",
    "size(", "true", "~", "null", "tool.nobody", "action.nobody", "human", "parallel", "foreach", "workflow", "*a", "&a", "<<", "!!python/object",
    "\u0000", "\u2028", "名", "x" * 3000, "${HOME}", "inputs['a'].b[0]", "trigger.incident.service == 1 ? 2 : 3",
)  # fmt: skip
KEYS = ("id", "name", "steps", "needs", "if", "timeout", "retry", "provider", "type", "with", "triggers", "inputs", "outputs", "on_failure", "workflow", "nobody", "")  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(WORDS),
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: [[]]),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS), max_size=3),
)
LINES = st.sampled_from(("\t", "- ", ": ", "&a ", "*a", "<<: *a", "%YAML 9.9", "---", "...", "? ", "|", ">-", "{", "]", "'", '"', "#", "!!binary x", "\x07", "\ufeff", "\r", "\ud800"))  # fmt: skip
Place = tuple[str | int, ...]


def places(value: Any, here: Place = ()) -> Iterator[Place]:
    """Every place in a document."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*here, key)
        yield from places(child, (*here, key))


def at(document: Any, place: Place) -> Any:
    """What is at a place."""
    for key in place:
        document = document[key]
    return document


def change(document: Any, draw: Callable[[Any], Any]) -> None:
    """Make one change at a place of a document."""
    chosen = draw(st.sampled_from(list(places(document)) or [()]))
    if not chosen:
        return
    around, key = at(document, chosen[:-1]), chosen[-1]
    how = draw(st.sampled_from(("replace", "remove", "copy", "rename", "add", "move")))
    if how == "remove":
        del around[key]
    elif how == "copy" and isinstance(around, list):
        around.insert(int(key), copy.deepcopy(around[int(key)]))
    elif how == "rename" and isinstance(around, dict):
        around[draw(st.sampled_from(KEYS))] = around.pop(key)
    elif how == "add" and isinstance(around[key], dict):
        around[key][draw(st.sampled_from(KEYS))] = draw(VALUES)
    elif how == "move":
        around[key] = copy.deepcopy(at(document, draw(st.sampled_from(list(places(document))))))
    else:
        around[key] = draw(VALUES)


def held(text: str) -> None:
    """Remarks on a text are such that somebody can mend it."""
    for remark in lint_text(text, KNOWN):
        found = remark.problem
        assert found.line >= 1, (found, text)
        assert found.line <= text.count("\n") + text.count("\r") + text.count("\u2028") + 2, (found, text)
        assert found.path, (found, text)
        assert found.problem, (found, text)
        assert found.fix, (found, text)


@LONG
@given(st.data(), st.sampled_from(TEXTS), st.integers(1, 4))
def test_a_document_with_changes_in_it_is_told_what_is_wrong(data: Any, text: str, changes: int) -> None:
    document = yaml.safe_load(text)
    for _ in range(changes):
        change(document, data.draw)
    held(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))


@LONG
@given(st.data(), st.sampled_from(TEXTS), st.integers(1, 3))
def test_a_text_with_lines_torn_in_it_is_told_what_is_wrong(data: Any, text: str, changes: int) -> None:
    for _ in range(changes):
        place = data.draw(st.integers(0, len(text)))
        torn = data.draw(st.one_of(LINES, st.sampled_from(WORDS), st.text(max_size=5)))
        text = text[:place] + torn + text[place + data.draw(st.integers(0, 40)) :]
    held(text)


@pytest.mark.parametrize("text", TEXTS)
def test_the_examples_themselves_have_no_error(text: str) -> None:
    assert [each for each in lint_text(text) if each.weight == "error"] == []
