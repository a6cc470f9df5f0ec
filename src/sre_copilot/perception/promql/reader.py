"""Range queries: cut into answers of bearable size, asked side by side, decoded while they arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import orjson

from sre_copilot.errors import SourceAnswerError, SourceError, SourceRefused
from sre_copilot.perception.http import HttpClient
from sre_copilot.perception.promql.decode import Decoded, MatrixDecoder

MOST_POINTS = 11_000  # a series and request; servers refuse more
FIRST_LOOK = 60  # points: enough to see how many series there are, cheap enough to ask on top
ANSWER_CELLS = (
    1_000_000  # values of one answer: a server computes so many in about three seconds, far from a time-out
)
LONG_QUERY = 2_000  # characters; a longer one does not go into an address, which proxies cut at 4 kB and more
REFUSALS = frozenset({400, 422})  # with the server's reason in JSON
_TOO_MUCH = (
    "too many samples",
    "maxsamplesperquery",
    "maxpointspertimeseries",
    "exceeded maximum resolution",
)


class QueryRefused(SourceRefused):
    """The server does not answer this query; others it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Times at which values are asked for: `start + i * step_seconds`, i < width."""

    start: int
    step_seconds: int
    width: int


@dataclass(slots=True)
class Outcome:
    """What became of one query: pieces of answers, each with its first column; or why there is none."""

    name: str
    query: str
    pieces: list[tuple[int, Decoded]] = field(default_factory=list)
    seconds: float = 0.0
    error: SourceError | None = None

    @property
    def series(self) -> int:
        """Most series of one piece, at least one."""
        return max((len(piece.labels) or 1 for _, piece in self.pieces), default=1)

    @property
    def warnings(self) -> list[str]:
        """What the server warned of, each once."""
        found = [str(w) for _, piece in self.pieces for w in piece.document.get("warnings") or ()]
        if any(piece.document.get("isPartial") for _, piece in self.pieces):
            found.append("partial answer")
        return list(dict.fromkeys(found))


class RangeReader:
    """Asks range queries of one server."""

    def __init__(
        self,
        client: HttpClient,
        *,
        concurrency: int,
        max_series: int,
        compress: bool,
        labels: Callable[[Mapping[str, str]], dict[str, str]] = dict,
    ) -> None:
        self._client = client
        self._most = max_series
        self._labels = labels
        self._headers = {} if compress else {"accept-encoding": "identity"}
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="prometheus")

    def read(self, queries: Mapping[str, str], grid: Grid) -> list[Outcome]:
        """Ask every query for every time of the grid.

        One that fails says so in its outcome.

        Raises
        ------
        SourceError : when the server cannot be reached or does not accept us
        """
        outcomes = [Outcome(name, query) for name, query in queries.items()]
        short = grid.width <= ANSWER_CELLS // self._most or grid.width <= 2 * FIRST_LOOK
        looked = 0 if short else grid.width - FIRST_LOOK
        self._ask_all([(outcome, looked, grid.width) for outcome in outcomes], grid)
        if looked:
            rest = [
                (outcome, *span)
                for outcome in outcomes
                if not outcome.error
                for span in _spans(looked, outcome)
            ]
            self._ask_all(rest, grid)
        return outcomes

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask_all(self, tasks: list[tuple[Outcome, int, int]], grid: Grid) -> None:
        futures: list[tuple[Outcome, Future[Any]]] = [
            (outcome, self._pool.submit(self._ask, outcome, begin, end, grid))
            for outcome, begin, end in tasks
        ]
        try:
            for outcome, future in futures:
                try:
                    future.result()
                except (QueryRefused, SourceAnswerError) as error:
                    outcome.error = outcome.error or error
        finally:
            for _, future in futures:
                future.cancel()

    def _ask(self, outcome: Outcome, begin: int, end: int, grid: Grid) -> None:
        """Ask for columns `begin <= i < end`; in halves when they are more than the server bears."""
        if outcome.error:
            return
        started = time.monotonic()
        try:
            piece = self._request(outcome, begin, end, grid)
        except QueryRefused as error:
            if end - begin < 2 or not any(words in error.problem.lower() for words in _TOO_MUCH):
                raise
            middle = (begin + end) // 2
            self._ask(outcome, begin, middle, grid)
            self._ask(outcome, middle, end, grid)
        else:
            known = replace(piece, labels=tuple(map(self._labels, piece.labels)))
            outcome.pieces.append((begin, known))
            outcome.seconds += time.monotonic() - started

    def _request(self, outcome: Outcome, begin: int, end: int, grid: Grid) -> Decoded:
        query, rows = outcome.query, outcome.series
        first = grid.start + begin * grid.step_seconds
        asked = {
            "query": query,
            "start": first,
            "end": first + (end - begin - 1) * grid.step_seconds,
            "step": grid.step_seconds,
        }
        if first % grid.step_seconds:
            asked["nocache"] = 1  # VictoriaMetrics would else move the times to multiples of the step

        def take(response: httpx.Response) -> Decoded:
            decoder = MatrixDecoder(
                start=first, step_seconds=grid.step_seconds, width=end - begin, rows=rows, most=self._most
            )
            return self._take(response, query, decoder)

        long = len(query) > LONG_QUERY
        return self._client.receive(
            "POST" if long else "GET",
            "/api/v1/query_range",
            take,
            accept=REFUSALS,
            headers=self._headers,
            **({"data": asked} if long else {"params": asked}),
        )

    def _take(self, response: httpx.Response, query: str, decoder: MatrixDecoder) -> Decoded:
        if response.status_code in REFUSALS:
            raise refusal(self._client, self._client.whole(response), query)
        try:
            for chunk in self._client.pieces(response):
                decoder.feed(chunk)
            return decoder.finish()
        except OverflowError as error:
            raise QueryRefused(
                self._client.name,
                f"the query gives {error}, max_series is {self._most}; asked was {query}",
                remedy="aggregate it by service, or raise max_series",
            ) from None
        except ValueError as error:
            raise SourceAnswerError(
                self._client.name,
                f"the answer cannot be read: {self._client.clean(str(error))}; asked was {query}",
                remedy="check that url names a Prometheus-compatible server and no login page or proxy stands before it",
            ) from None


def refusal(client: HttpClient, response: httpx.Response, query: str) -> SourceError:
    """The error for a query that the server does not answer, in its own words."""
    try:
        said = orjson.loads(response.content)
        words = f"{said['errorType']}: {said['error']}"
    except (ValueError, KeyError, TypeError):
        words = f"status {response.status_code}: {response.text[:300]}"
    return QueryRefused(
        client.name,
        f"the server refuses the query, {client.clean(words)}; asked was {query}",
        remedy="try the query in the server's own page, and mend it in queries",
    )


def _spans(width: int, outcome: Outcome) -> Iterator[tuple[int, int]]:
    """Cut columns `0 <= i < width` so that each answer has a bearable size."""
    chunk = min(MOST_POINTS, max(FIRST_LOOK, ANSWER_CELLS // outcome.series))
    count = -(-width // chunk)
    chunk = -(-width // count)  # of equal size, so that they end together
    return ((begin, min(begin + chunk, width)) for begin in range(0, width, chunk))
