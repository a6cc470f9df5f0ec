"""Elasticsearch 7.12 and later: lines out of indices and data streams."""

from __future__ import annotations

from typing import ClassVar

from sre_copilot.perception.search_api import Dialect, SearchSettings, SearchSource


class ElasticsearchSettings(SearchSettings):
    """The address is that of Elasticsearch, for example `https://elasticsearch.example:9200`."""


class ElasticsearchSource(SearchSource):
    """Reads documents of Elasticsearch."""

    Settings: ClassVar[type[SearchSettings]] = ElasticsearchSettings
    dialect: ClassVar[Dialect] = Dialect(
        distribution="elasticsearch",
        open_path="_pit",
        id_key="id",
        close_path="/_pit",
        tiebreak="_shard_doc",
        listed=False,
    )
