"""A shelf that lasts as long as a measurement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sre_copilot.errors import UsageError
from sre_copilot.eval.workers import Progress
from sre_copilot.knowledge.encoder import UniversalSentenceEncoder
from sre_copilot.knowledge.library import Knowledge
from sre_copilot.knowledge.shelf import Shelf
from sre_copilot.store.database import Database, sqlite_url
from sre_copilot.store.passages import PassageStore
from sre_copilot.store.vectors import RowVectors


@contextmanager
def filled(paths: Iterable[Path], *, progress: Progress = lambda *_: None) -> Iterator[Knowledge]:
    """The documents as anyone would have them: read, cut, encoded, with the default settings.

    Raises
    ------
    UsageError : when a document was not taken; figures without it would be of something else
    """
    with TemporaryDirectory() as folder:
        database = Database(sqlite_url(Path(folder)))
        shelf = Shelf(PassageStore(database), RowVectors(database), UniversalSentenceEncoder())
        for added in shelf.add_all(paths, progress=progress):
            if added.outcome != "added":
                raise UsageError(f"{added.origin}: {added.outcome}: {'; '.join(added.reasons)}")
        shelf.encode(progress=progress)
        yield Knowledge(shelf)
        database.close()
