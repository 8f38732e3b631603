"""Which files are new or changed since they were last landed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from orchestration.ingestion.raw_zone import SCHEMA_FILE
from orchestration.ingestion.sources import SourceFile, Sources, source_files
from orchestration.ingestion.text_files import content_sha256

#: In place of the hash of a file that may not be read, and of its size: it is tried again.
UNREAD = ""
UNREAD_BYTES = -1

_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class PendingFile:
    """A file that is new or changed since it was last landed, for one table.

    Attributes:
        file: Where it is and how it is read.
        size: Bytes.
        modified_us: When it was last changed, microseconds since 1970.
    """

    file: SourceFile
    size: int
    modified_us: int

    @property
    def source(self) -> str:
        """Name in sources.yml."""
        return self.file.source

    @property
    def vendor(self) -> str:
        """Vendor name."""
        return self.file.vendor

    @property
    def table(self) -> str:
        """Table name."""
        return self.file.table.name

    @property
    def source_file(self) -> str:
        """Place below the source's path."""
        return self.file.source_file

    @property
    def file_key(self) -> str:
        """The export unit that the file delivers."""
        return self.file.file_key

    @property
    def is_required(self) -> bool:
        """Whether publication waits until this file can be read."""
        return self.file.is_required


def discover(sources: Sources, raw_root: Path) -> list[PendingFile]:
    """List what is new or changed, without opening files that look as they did.

    Args:
        sources: The content of sources.yml.
        raw_root: The raw zone.

    Returns:
        Files in the order in which they will be landed: by time of change, then by path.
    """
    index = SeenFiles.load(raw_root)
    pending = []
    for file in source_files(sources, raw_root / "_cache"):
        try:
            status = file.path.stat()
        except FileNotFoundError:  # taken away since the folder was listed
            continue
        candidate = PendingFile(file, status.st_size, status.st_mtime_ns // 1000)
        if not index.has(candidate):
            pending.append(candidate)
    index.save()
    return sorted(
        pending, key=lambda item: (item.modified_us, item.source, item.source_file, item.table)
    )


def clock_behind(raw_root: Path, clock: datetime) -> str | None:
    """What to say where the last landing lies more than a minute after the clock (aware), or None.

    The marts' "now" is what is known up to the last landing (int_journey_clock): a clock that once
    stood in the future decides it without a word.
    """
    ahead = SeenFiles.load(raw_root).last_landing
    moment = clock.astimezone(UTC).replace(tzinfo=None)
    if ahead is None or ahead <= moment + timedelta(minutes=1):
        return None
    return (
        f"The clock says {moment:%Y-%m-%d %H:%M} UTC, but the last landing was at "
        f"{ahead:%Y-%m-%d %H:%M}: one of the two is wrong, or CXW_NOW was set. Until the clock "
        "passes it, files are landed as of that moment, and stages and active customers are "
        "counted up to it. Where that is not meant, land the raw zone anew in another CXW_HOME."
    )


class SeenFiles:
    """What the manifest says of each file, kept beside it so that a look takes milliseconds."""

    _FILE = "_seen.json"

    def __init__(
        self, raw_root: Path, manifests: list[str], entries: dict[str, dict], last_us: int
    ) -> None:
        self._path = raw_root / self._FILE
        self._manifests = manifests
        self._entries = entries
        self._last_us = last_us
        self._changed = False

    @classmethod
    def load(cls, raw_root: Path) -> SeenFiles:
        """What the manifest says by now; only what has come to it since the last look is read."""
        manifest = raw_root / "_manifest"
        present = sorted(p.name for p in manifest.glob("*.parquet") if p.name != SCHEMA_FILE)
        try:
            cached = json.loads((raw_root / cls._FILE).read_text())
            index = cls(raw_root, cached["manifests"], cached["entries"], cached["last_us"])
        except (OSError, ValueError, KeyError, TypeError):
            index = cls(raw_root, [], {}, 0)
        if set(index._manifests) - set(present):  # the raw zone was replaced under the cache
            index = cls(raw_root, [], {}, 0)
        missing = [name for name in present if name not in set(index._manifests)]
        if missing:
            index._add([str(manifest / name) for name in missing])
            index._manifests.extend(missing)
            index._changed = True
        return index

    def _add(self, paths: list[str]) -> None:
        with duckdb.connect() as connection:
            rows = connection.execute(
                """
                select source, table_name, source_file, content_sha256, size_bytes,
                    epoch_us(delivered_at), definition, status, epoch_us(loaded_at)
                from read_parquet(?, union_by_name = true)
                order by loaded_at, batch_id
                """,
                [paths],
            ).fetchall()
        for source, table, file, sha256, size, modified, definition, status, loaded_us in rows:
            self._last_us = max(self._last_us, loaded_us)
            entry = self._entries.setdefault(f"{source}|{table}|{file}", {"contents": {}})
            entry["contents"][_content_key(sha256, definition)] = [definition, status]
            entry["looks"] = [size, modified, sha256]

    def has(self, candidate: PendingFile) -> bool:
        """Whether a file is landed as it is now."""
        entry = self._entries.get(_index_key(candidate))
        if entry is None:
            return False
        size, modified, sha256 = entry["looks"]
        if [size, modified] != [candidate.size, candidate.modified_us]:
            sha256 = sha256_if_readable(candidate.file.path)
            if _content_key(sha256, candidate.file.definition) not in entry["contents"]:
                return False
            if sha256 == UNREAD:  # a right given later changes no time and no size
                return self.has_content(candidate, sha256)
            entry["looks"] = [candidate.size, candidate.modified_us, sha256]
            self._changed = True
        return self.has_content(candidate, sha256)

    def has_content(self, candidate: PendingFile, sha256: str) -> bool:
        """Whether this content was landed from this place under the same definition."""
        entry = self._entries.get(_index_key(candidate), {"contents": {}})
        key = _content_key(sha256, candidate.file.definition)
        definition, status = entry["contents"].get(key, ("", "unknown"))
        # A failed file is worth another try once the way of reading it has changed.
        return status == "loaded" or (
            status == "failed" and definition == candidate.file.definition
        )

    @property
    def last_landing(self) -> datetime | None:
        """When the newest landing took place, UTC without a zone; None before the first."""
        return _EPOCH + timedelta(microseconds=self._last_us) if self._last_us else None

    def after_last(self, clock: datetime) -> datetime:
        """The clock, or the moment after the last landing where the clock stands still."""
        return max(clock, _EPOCH + timedelta(microseconds=self._last_us + 1))

    def save(self) -> None:
        """Write the cache where it has changed; never in the way of a reader."""
        if not self._changed or not self._path.parent.is_dir():
            return
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        draft.write_text(
            json.dumps(
                {
                    "manifests": self._manifests,
                    "entries": self._entries,
                    "last_us": self._last_us,
                }
            )
        )
        os.replace(draft, self._path)
        self._changed = False


def sha256_if_readable(path: Path) -> str:
    """The hash of a file's bytes; ``UNREAD`` where the system does not let us read them."""
    try:
        return content_sha256(path)
    except OSError:
        return UNREAD


def _content_key(sha256: str, definition: str) -> str:
    """Content under what the user wrote about it: a changed mapping is another delivery."""
    return f"{sha256}|{definition.split('-')[0]}"


def _index_key(candidate: PendingFile) -> str:
    return f"{candidate.source}|{candidate.table}|{candidate.source_file}"
