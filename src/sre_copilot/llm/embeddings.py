"""Vectors of texts from any server that speaks the `/v1/embeddings` of OpenAI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx
import numpy as np
import stamina
from numpy.typing import NDArray

from sre_copilot.errors import SourceAnswerError, SourceRefused, SourceUnreachable
from sre_copilot.llm.redaction import Pseudonyms, redacted
from sre_copilot.settings.llm import is_loopback

AT_ONCE = (
    64  # texts of one request: small enough for every server that was met, large enough to keep one busy
)
RETRIED = {429, 500, 502, 503, 504}
NAME = "knowledge.embeddings"


class _Busy(Exception):  # noqa: N818 - not an error yet: it is asked again
    """The server may answer later."""


Clean = Callable[[str], str]


def without_secrets() -> Clean:
    """What is done to a text before it leaves: secrets out, personal data replaced."""
    book = Pseudonyms()
    return lambda text: redacted(text, book)


class EmbeddingsClient:
    """Encodes texts by a server; `id` holds the model's name, for its vectors are comparable with its own alone.

    `offline`: another machine is never asked. `clean` is what every text goes through before it is sent.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str,
        api_key: str = "",
        timeout_s: float = 30.0,
        offline: bool = False,
        attempts: int = 3,
        clean: Clean | None = None,
    ) -> None:
        self.id = f"{model}@v1/embeddings"
        self._model = model
        self._attempts = attempts
        self._clean = clean or without_secrets()
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        # no proxy of the environment and no redirect: both would send the text elsewhere
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            headers=headers,
            timeout=timeout_s,
            trust_env=False,
            follow_redirects=False,
        )
        self._barred = offline and not is_loopback(self._client.base_url.host)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector a text, of length 1.

        Raises
        ------
        SourceError : when the server does not answer, refuses, or answers something else
        """
        if self._barred:
            raise SourceRefused(
                NAME, "llm.offline is set, and it is another machine", remedy="empty knowledge.embeddings.url"
            )
        parts = [self._part(list(texts[start : start + AT_ONCE])) for start in range(0, len(texts), AT_ONCE)]
        return _unit(np.concatenate(parts)) if parts else np.zeros((0, 0), dtype=np.float32)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _part(self, texts: list[str]) -> NDArray[np.float32]:
        request = {"model": self._model, "input": [self._clean(text) for text in texts]}
        try:
            for attempt in stamina.retry_context(
                on=(_Busy, httpx.TransportError), attempts=self._attempts, timeout=60.0
            ):
                with attempt:
                    answer = self._client.post("/embeddings", json=request)
                    if answer.status_code in RETRIED:
                        raise _Busy(f"status {answer.status_code}")
        except (_Busy, httpx.TransportError) as error:
            raise SourceUnreachable(
                NAME, f"{type(error).__name__}: {error}", remedy="check url, network and server"
            ) from None
        if answer.status_code != httpx.codes.OK:
            raise SourceRefused(
                NAME, f"status {answer.status_code}: {answer.text[:200]}", remedy="check model and api_key"
            )
        return _vectors(answer, len(texts))


def _vectors(answer: httpx.Response, count: int) -> NDArray[np.float32]:
    try:
        rows: list[Any] = sorted(answer.json()["data"], key=lambda row: row["index"])
        found = np.array([row["embedding"] for row in rows], dtype=np.float32)
    except (ValueError, KeyError, TypeError) as error:
        raise SourceAnswerError(NAME, f"what it answered is no list of vectors: {error}") from None
    if found.ndim != 2 or len(found) != count or not np.isfinite(found).all():
        raise SourceAnswerError(
            NAME, f"it was asked for {count} vectors and answered an array of the shape {found.shape}"
        )
    return found


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
