"""OpenSearch 2.4 and later: lines out of indices and data streams."""

from __future__ import annotations

from typing import ClassVar

from sre_copilot.perception.search_api import Dialect, SearchSettings, SearchSource


class OpenSearchSettings(SearchSettings):
    """The address is that of OpenSearch, for example `https://opensearch.example:9200`."""


class OpenSearchSource(SearchSource):
    """Reads documents of OpenSearch."""

    Settings: ClassVar[type[SearchSettings]] = OpenSearchSettings
    dialect: ClassVar[Dialect] = Dialect(
        distribution="opensearch",
        open_path="_search/point_in_time",
        id_key="pit_id",
        close_path="/_search/point_in_time",
        tiebreak="_id",
        listed=True,
    )
