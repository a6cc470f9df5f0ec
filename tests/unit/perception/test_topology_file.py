from __future__ import annotations

from pathlib import Path

import pytest

from sre_copilot.domain.signals import Window
from sre_copilot.errors import SourceAnswerError, SourceUnreachable
from sre_copilot.perception.source import Reading
from sre_copilot.perception.topology_file import TopologyFileSettings, TopologyFileSource

YAML = """
entities:
  - {name: cart, kind: service, owner: shop team, tier: 1, aliases: [Cart Service], attributes: {language: go}}
  - {kind: service}
relations:
  - [web, Cart Service]
  - {caller: cart, callee: node-a, kind: runs_on}
"""


def read(*files: Path) -> Reading:
    return TopologyFileSource(TopologyFileSettings(files=files)).read(Window(0, 1))


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_yaml_tells_entities_and_relations(tmp_path: Path) -> None:
    reading = read(written(tmp_path, "estate.yaml", YAML))
    assert reading.inventory is not None
    assert reading.topology is not None
    assert reading.inventory.by_name["cart"].attributes == {
        "owner": "shop team",
        "tier": "1",
        "language": "go",
    }
    assert reading.topology.edges == (("web", "cart"),)
    assert [each.kind for each in reading.inventory.relations] == ["runs_on", "calls"]


def test_a_row_without_a_name_is_told(tmp_path: Path) -> None:
    (gap,) = read(written(tmp_path, "estate.yaml", YAML)).gaps
    assert dict(gap.message.params) == {"what": "estate.yaml", "rows": 1, "total": 4}


def test_entities_may_be_a_map_by_name_and_edges_may_be_json(tmp_path: Path) -> None:
    first = written(tmp_path, "a.yml", "entities: {cart: {owner: x}, web: }")
    second = written(tmp_path, "b.json", '{"edges": [["web", "cart"]]}')
    reading = read(first, second)
    assert reading.inventory is not None
    assert [each.name for each in reading.inventory.entities] == ["cart", "web"]
    assert reading.topology == reading.inventory.topology()


def test_csv_tells_relations_or_entities_by_its_columns(tmp_path: Path) -> None:
    edges = written(tmp_path, "edges.csv", "\ufeffcaller, callee,kind\nweb,cart,\ncart,db,calls\n")
    things = written(tmp_path, "things.csv", "name,kind,owner,aliases\ncart,service,shop team,Cart;Basket\n")
    reading = read(edges, things)
    assert reading.topology is not None
    assert reading.topology.edges == (("cart", "db"), ("web", "cart"))
    assert reading.inventory is not None
    assert reading.inventory.by_name["Basket"].attributes["owner"] == "shop team"


def test_files_that_contradict_each_other_are_told_and_the_first_counts(tmp_path: Path) -> None:
    first = written(tmp_path, "a.csv", "name,owner\ncart,one\n")
    second = written(tmp_path, "b.csv", "name,owner\ncart,two\n")
    reading = read(first, second)
    assert reading.inventory is not None
    assert reading.inventory.by_name["cart"].attributes["owner"] == "one"
    assert [gap.message.key for gap in reading.gaps] == ["gap.topology.conflicts"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.yaml", "entitys: []", "unknown key 'entitys'"),
        ("a.yaml", "- web", "no keys at its top"),
        ("a.yaml", "entities: [web]", "'entities' in another form"),
        ("a.yaml", "relations: {web: cart}", "'relations' in another form"),
        ("a.yaml", "a: [", "while parsing"),
        ("a.yaml", "entities: {cart: 2024-13-45}", "cannot be read"),
        ("a.yaml", "entities: {cart: owner}", "no keys and values"),
        ("a.yaml", "[" * 400, "cannot be read|nested too deep"),
        ("a.json", '{"edges": [', "cannot be read"),
        ("a.csv", f"name\n{'x' * 200_000}\n", "cannot be read"),
        ("a.csv", "from,to\nweb,cart\n", "columns from, to"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_way_out(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    with pytest.raises(SourceAnswerError, match=words) as caught:
        read(written(tmp_path, name, text))
    assert "caller,callee" in caught.value.remedy


def test_a_file_that_is_not_there_is_no_empty_estate(tmp_path: Path) -> None:
    source = TopologyFileSource(TopologyFileSettings(files=(tmp_path / "gone.yaml",)))
    with pytest.raises(SourceUnreachable, match=r"gone\.yaml"):
        source.read(Window(0, 1))
    assert not source.health().ok
