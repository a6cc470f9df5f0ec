"""Adding, renewing and removing documents: each by itself, so that one that cannot be read stops no other.

Rows first, vectors after: what a crash leaves without vectors is found by words meanwhile, and `encode` goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from sre_copilot.domain.knowledge import Kind, Passage, Scope
from sre_copilot.errors import UsageError
from sre_copilot.knowledge.chunks import PASSAGE_WIDTH, Chunk, chunks
from sre_copilot.knowledge.documents import (
    Document,
    DocumentError,
    Limits,
    read_bytes,
    read_document,
    readers,
)
from sre_copilot.knowledge.encoder import Encoder, Vectors
from sre_copilot.knowledge.index import Senses, parts
from sre_copilot.knowledge.junk import suspicions
from sre_copilot.knowledge.language import language
from sre_copilot.store.passages import QUARANTINED, READY, PassageStore

Outcome = Literal["added", "updated", "unchanged", "duplicate", "quarantined", "failed"]
Progress = Callable[[int, int, str], None]
"""Told after each step: how many are done, of how many, and which one."""

ENCODED_AT_ONCE = 64  # passages between two commits: about a second of work that a crash can cost


class VectorStore(Protocol):
    """Keeps the vectors of passages, by the id of the model that made them."""

    def put(self, found: Mapping[str, Vectors], *, model: str) -> None: ...
    def known(self, *, model: str) -> frozenset[str]: ...
    def count(self, *, model: str) -> int: ...
    def remove(self, passage_ids: Sequence[str]) -> None: ...
    def forget_other(self, *, model: str) -> None: ...
    def senses(self, *, model: str) -> Senses: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of one file. `reasons` says why it failed or was put aside, or which document it is a copy of."""

    origin: str
    outcome: Outcome
    document_id: str = ""
    title: str = ""
    passages: int = 0
    reasons: tuple[str, ...] = ()


class Shelf:
    """The documents that are there."""

    def __init__(
        self,
        store: PassageStore,
        vectors: VectorStore,
        encoder: Encoder,
        *,
        limits: Limits | None = None,
        passage_width: int = PASSAGE_WIDTH,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store = store
        self.vectors = vectors
        self.encoder = encoder
        self._limits = limits or Limits()
        self._width = passage_width
        self._clock = clock

    def add_all(
        self,
        paths: Iterable[Path],
        *,
        kind: Kind | None = None,
        scope: Scope | None = None,
        progress: Progress = lambda *_: None,
    ) -> tuple[Added, ...]:
        """Add files and the files of folders; each has its own outcome."""
        files = tuple(_files(paths))
        found = []
        for done, path in enumerate(files, start=1):
            found.append(self.add(path, kind=kind, scope=scope))
            progress(done, len(files), path.name)
        return tuple(found)

    def add(self, path: Path, *, kind: Kind | None = None, scope: Scope | None = None) -> Added:
        """Add one file, or renew it when it changed; its vectors come with `encode`."""
        origin = str(path.resolve())
        try:
            digest = _digest(path, self._limits)
            if (before := self._kept(origin, digest)) is not None:
                return before
            document = read_document(path, limits=self._limits)
            return self.put(
                document, origin=origin, digest=digest, size=path.stat().st_size, kind=kind, scope=scope
            )
        except DocumentError as error:
            return Added(origin=origin, outcome="failed", reasons=(str(error),))

    def add_bytes(
        self,
        data: bytes,
        *,
        name: str,
        origin: str = "",
        kind: Kind | None = None,
        scope: Scope | None = None,
    ) -> Added:
        """Add what was sent instead of named by a path; `origin` is what it is renewed by, by default its name."""
        place, digest = origin or name, sha256(data).hexdigest()
        try:
            if (before := self._kept(place, digest)) is not None:
                return before
            document = read_bytes(data, name=name, limits=self._limits)
            return self.put(document, origin=place, digest=digest, size=len(data), kind=kind, scope=scope)
        except DocumentError as error:
            return Added(origin=place, outcome="failed", reasons=(str(error),))

    def put(
        self,
        document: Document,
        *,
        origin: str,
        digest: str,
        size: int = 0,
        kind: Kind | None = None,
        scope: Scope | None = None,
    ) -> Added:
        """Keep a document that was read; what is suspicious is put aside until a person has accepted it."""
        known = self.store.document(origin=origin)
        key = document_id(origin)
        shown = replace(document, kind=kind or document.kind, scope=scope or document.scope)
        reasons = suspicions(shown)
        made = chunks(shown, most=self._width)
        row = self._row(shown, key=key, origin=origin, digest=digest, size=size, reasons=reasons)
        row["added_at"] = known["added_at"] if known else row["updated_at"]
        self.vectors.remove(
            self.store.replace(row, [_passage_row(key, at, each) for at, each in enumerate(made)])
        )
        outcome: Outcome = "quarantined" if reasons else "updated" if known else "added"
        return Added(
            origin=origin,
            outcome=outcome,
            document_id=key,
            title=shown.title,
            passages=len(made),
            reasons=reasons,
        )

    def remove(self, key: str) -> bool:
        """Delete a document, its passages and their vectors; whether it was there."""
        if self.store.document(id=key) is None:
            return False
        self.vectors.remove(self.store.remove(key))
        return True

    def accept(self, key: str) -> bool:
        """Let a document that was put aside be used; whether it was there."""
        return self.store.stand(key, standing=READY, now=self._clock())

    def put_aside(self, key: str) -> bool:
        """Let a document no longer be used; whether it was there."""
        return self.store.stand(key, standing=QUARANTINED, now=self._clock())

    def encode(self, *, progress: Progress = lambda *_: None) -> int:
        """Make the vectors that are missing for the present encoder; return how many passages got theirs.

        It may be stopped at any time: what was made stays, and the next call makes the rest.
        """
        known = self.vectors.known(model=self.encoder.id)
        missing = [passage for passage in self.passages() if passage.id not in known]
        for start in range(0, len(missing), ENCODED_AT_ONCE):
            some = missing[start : start + ENCODED_AT_ONCE]
            self.vectors.put(_encoded(some, self.encoder), model=self.encoder.id)
            progress(start + len(some), len(missing), some[-1].title)
        return len(missing)

    def reindex(self, *, progress: Progress = lambda *_: None) -> int:
        """Make what is missing, then forget what other encoders made; return how many passages were encoded."""
        count = self.encode(progress=progress)
        self.vectors.forget_other(model=self.encoder.id)
        return count

    def passages(self) -> tuple[Passage, ...]:
        """All passages that may be used."""
        return tuple(_passage(row) for row in self.store.passages())

    def state(self) -> tuple[object, ...]:
        """What changes whenever an answer may."""
        return (*self.store.state(), self.encoder.id, self.vectors.count(model=self.encoder.id))

    def _kept(self, origin: str, digest: str) -> Added | None:
        """What is said of a content that is there already."""
        same = self.store.document(origin=origin)
        if same is not None and same["content_hash"] == digest:
            return Added(origin=origin, outcome="unchanged", document_id=same["id"], title=same["title"])
        copy = self.store.document(content_hash=digest)
        if copy is None:
            return None
        if same is not None:  # it has become what another one is
            self.remove(same["id"])
        return Added(
            origin=origin,
            outcome="duplicate",
            document_id=copy["id"],
            title=copy["title"],
            reasons=(f"is the same as {copy['origin']}",),
        )

    def _row(
        self, document: Document, *, key: str, origin: str, digest: str, size: int, reasons: Sequence[str]
    ) -> dict[str, Any]:
        return {
            "id": key,
            "origin": origin[:1000],
            "title": document.title,
            "kind": document.kind,
            "lang": language("\n".join(block.text for block in document.blocks[:50])),
            "standing": QUARANTINED if reasons else READY,
            "content_hash": digest,
            "bytes": size,
            "pages": document.pages,
            "paging": document.paging,
            "scope": asdict(document.scope),
            "reasons": list(reasons),
            "updated_at": self._clock(),
        }


def document_id(origin: str) -> str:
    """The id of what comes from a place: the same whatever it holds."""
    return f"D-{sha256(origin.encode()).hexdigest()[:12]}"


def known_services(passages: Iterable[Passage]) -> frozenset[str]:
    """Services that any passage is said to be for."""
    return frozenset(service for passage in passages for service in passage.scope.services)


def _encoded(passages: Sequence[Passage], encoder: Encoder) -> dict[str, Vectors]:
    texts = [parts(passage) for passage in passages]
    made = encoder.encode([text for each in texts for text in each])
    found, at = {}, 0
    for passage, each in zip(passages, texts, strict=True):
        found[passage.id] = made[at : at + len(each)]
        at += len(each)
    return found


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Files as named, and of folders those that can be read; nothing hidden, nothing outside by a link.

    Raises
    ------
    UsageError : when a path is not there
    """
    for path in paths:
        if path.is_dir():
            root = path.resolve()
            for each in sorted(path.rglob("*")):
                hidden = any(part.startswith(".") for part in each.relative_to(path).parts)
                if (
                    each.suffix.lower() in readers()
                    and each.is_file()
                    and not hidden
                    and each.resolve().is_relative_to(root)
                ):
                    yield each
        elif path.exists():
            yield path
        else:
            raise UsageError(f"{path}: there is no such file or folder")


def _digest(path: Path, limits: Limits) -> str:
    try:
        if not path.is_file():
            raise DocumentError("is no file")
        if path.stat().st_size > limits.megabytes * 1_000_000:
            raise DocumentError(f"is larger than {limits.megabytes:g} MB (knowledge.max_megabytes)")
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}") from None


def _passage_row(document: str, position: int, chunk: Chunk) -> dict[str, Any]:
    mark = sha256("\0".join((document, str(position), *chunk.headings, chunk.text)).encode()).hexdigest()[:16]
    return {
        "id": f"P-{mark}",
        "document_id": document,
        "position": position,
        "text": chunk.text,
        "headings": list(chunk.headings),
        "page": chunk.page,
        "lang": language(chunk.text),
    }


def _passage(row: Mapping[str, Any]) -> Passage:
    scope = row["scope"]
    return Passage(
        id=row["id"],
        document_id=row["document_id"],
        kind=cast(Kind, row["kind"]),
        title=row["title"],
        text=row["text"],
        headings=tuple(row["headings"]),
        page=row["page"],
        lang=row["lang"],
        scope=Scope(
            services=tuple(scope["services"]),
            severity=scope["severity"],
            labels=tuple((key, value) for key, value in scope["labels"]),
        ),
    )
