"""The schema as a whole."""

from __future__ import annotations

import re
from pathlib import Path

from sre_copilot import store
from sre_copilot.store.schema import metadata

TABLE = re.compile(r'= Table\(\s*"(\w+)",\s*metadata')


def test_the_schema_has_every_table_that_a_module_of_the_store_declares() -> None:
    texts = [path.read_text(encoding="utf-8") for path in Path(store.__path__[0]).rglob("*.py")]
    declared = {name for text in texts for name in TABLE.findall(text)}
    assert len(declared) > 30
    assert declared == set(metadata.tables)


def test_the_schema_imports_each_module_that_declares_one() -> None:
    folder = Path(store.__path__[0])
    said = (folder / "schema.py").read_text(encoding="utf-8")
    declaring = {path.stem for path in folder.rglob("*.py") if TABLE.search(path.read_text(encoding="utf-8"))}
    assert {each for each in declaring if not re.search(rf"\b{each}\b", said)} == set()
