"""Text files as DuckDB can read them: decompressed, UTF-8, one record after another.

Bytes are streamed here; rows are not looked at, with one exception. A CSV file that is not clean
(ragged rows, stray quotes, line breaks inside quotes) is walked record by record, because only so
is every physical line accounted for: DuckDB's own reject table names no reliable line once a record
spans lines, and an unclosed quote would swallow the rest of the file. Clean files, the common
case, never take that walk. It handles about 0.5 million rows a second.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from orchestration.ingestion.errors import UnreadableFileError
from orchestration.ingestion.specs import comparable_name

if TYPE_CHECKING:
    import pyarrow.parquet as pq

# What is looked at several times fits a core's own cache.
CHUNK_BYTES = 1 << 18
SAMPLE_BYTES = 1 << 18
DELIMITERS = (",", ";", "\t", "|")

#: Stands where bytes could not be decoded, or where a control character would end a text early. A
#: code point that no real text holds, so that a replacement character that the vendor itself wrote
#: is not taken for ours.
UNREADABLE = "\U0010ffff"
#: Separates nothing: with it as delimiter DuckDB gives whole lines.
NO_DELIMITER = "\x01"

# An unclosed quote would otherwise gather the rest of a large file before it is recognised.
MAX_RECORD_LINES = 1_000
MAX_FIELD_CHARS = 1 << 24
_BATCH_ROWS = 20_000

_COMPRESSED = {".gz", ".zst"}
_CONTROL = re.compile("[\x00\x01]")
_UNDECODED = re.compile("[\udc80-\udcff]")
_ACCENTED = re.compile("[^\x00-\x7f\udc80-\udcff]")
_C1_BYTES = re.compile(rb"[\x80-\x9f]")
# Where ISO-8859-15 differs from ISO-8859-1: the euro sign and Š š Ž ž Œ œ Ÿ.
_LATIN_9_BYTES = re.compile(rb"[\xa4\xa6\xa8\xb4\xb8\xbc-\xbe]")


@dataclass(frozen=True)
class TextFile:
    """A text file made readable.

    Attributes:
        path: Plain UTF-8 text: the file itself where it was that already.
        encoding: What the file was written in.
        newline_count: Line ends in it.
        is_uniform: Every line ends the same way, and no byte had to be replaced.
        has_unreadable: Some bytes could not be decoded; ``UNREADABLE`` stands in their place.
        ends_with_newline: The last line is closed.
        is_blank: There is nothing but white space.
    """

    path: Path
    encoding: str
    newline_count: int
    is_uniform: bool
    has_unreadable: bool
    ends_with_newline: bool
    is_blank: bool

    @property
    def line_count(self) -> int:
        """Physical lines."""
        return self.newline_count + (0 if self.ends_with_newline else 1)


def content_sha256(path: Path) -> str:
    """Hash a file's bytes.

    Args:
        path: The file.

    Returns:
        SHA-256, hex.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def bare_suffix(path: Path | str) -> str:
    """The suffix that says how to read a file, past one of compression.

    Args:
        path: File name.

    Returns:
        ``.csv`` for ``x.csv.gz``, lower case.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in _COMPRESSED else suffix


def open_bytes(path: Path) -> Any:
    """Open a file for reading, decompressing by suffix.

    Args:
        path: The file.

    Returns:
        Its bytes, decompressed.
    """
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return gzip.open(path, "rb")
    if suffix == ".zst":
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(
            path.open("rb"), closefd=True, read_across_frames=True
        )
    return path.open("rb")


def make_readable(path: Path, workdir: Path, encoding: str | None = None) -> TextFile:
    """Turn a text file into plain UTF-8.

    Args:
        path: The file as it came.
        workdir: Where a converted copy may be written.
        encoding: Its encoding, where the source declares one; detected otherwise.

    Returns:
        The readable file; the original itself where it is clean UTF-8 already.

    Raises:
        UnreadableFileError: The compression is damaged or the encoding is unknown.
    """
    try:
        codecs.lookup(encoding or "utf-8")
        may_be_ready = encoding is None or codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}
        if may_be_ready and path.suffix.lower() not in _COMPRESSED:
            scanned = _scan(path)
            if scanned is not None:
                return scanned
        return _convert(path, workdir / "readable.txt", encoding or detect_encoding(path))
    except LookupError as error:
        raise UnreadableFileError(
            f"{path.name}: the encoding {encoding!r} is unknown.",
            "Write a name that Python knows in options.encoding, such as utf-8, cp1252 or utf-16.",
        ) from error
    except (OSError, EOFError) as error:
        raise _damaged(path, error) from error
    except Exception as error:
        if _is_of_compression(error):
            raise _damaged(path, error) from error
        raise


def _damaged(path: Path, error: Exception) -> UnreadableFileError:
    return UnreadableFileError(
        f"{path.name} cannot be read: {error}.",
        "Deliver the file again; it may have been cut off or not be in the format of its suffix.",
    )


def _is_of_compression(error: Exception) -> bool:
    return type(error).__name__ in {"ZstdError", "error"}  # zstandard's and zlib's own


def sample_bytes(path: Path, size: int = SAMPLE_BYTES) -> bytes:
    """The beginning of a file, decompressed.

    Args:
        path: The file.
        size: How much.

    Returns:
        Its first bytes.

    Raises:
        UnreadableFileError: The compression is damaged.
    """
    try:
        with open_bytes(path) as handle:
            return handle.read(size)
    except (OSError, EOFError) as error:
        raise _damaged(path, error) from error
    except Exception as error:
        if _is_of_compression(error):
            raise _damaged(path, error) from error
        raise


def detect_encoding(path: Path) -> str:
    """Tell what a text file is written in.

    A byte order mark or the null bytes of UTF-16 decide first, then valid UTF-8. What is left is a
    single-byte encoding; charset-normalizer chooses among the Western ones, because its free guess
    over all of them is unreliable on short columns. Others must be declared (`options.encoding`).

    Args:
        path: The file.

    Returns:
        A Python codec name.
    """
    sample = sample_bytes(path)
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = sample[0:4000:2].count(0), sample[1:4000:2].count(0)
    if max(even, odd) > len(sample[:4000]) // 8:
        return "utf-16-be" if even > odd else "utf-16-le"
    if _is_mostly_utf8(path):
        return "utf-8"
    return _western_encoding(sample)


def _is_mostly_utf8(path: Path) -> bool:
    """Whether a file is UTF-8, even where single bytes of it are damaged.

    The whole file is looked at: a first accented letter may stand beyond any sample.
    """
    valid = broken = 0
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    with open_bytes(path) as handle:
        while chunk := handle.read(CHUNK_BYTES):
            if chunk.isascii():
                continue
            text = decoder.decode(chunk)
            broken += len(_UNDECODED.findall(text))
            valid += len(_ACCENTED.findall(text))
            if broken and broken > valid:
                return False
    return broken == 0 or valid >= 3 * broken


def _western_encoding(sample: bytes) -> str:
    if _C1_BYTES.search(sample):
        return "cp1252"
    if not _LATIN_9_BYTES.search(sample):
        return "iso8859_1"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=["iso8859_15", "iso8859_1", "cp1252"]).best()
    return best.encoding if best else "iso8859_15"


def _scan(path: Path) -> TextFile | None:
    """Look through a plain UTF-8 file; None where it has to be converted after all."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    mark = UNREADABLE.encode()
    feeds = returns = pairs = 0
    previous = b""
    is_blank = True
    has_unreadable = False
    with path.open("rb") as handle:
        while chunk := handle.read(CHUNK_BYTES):
            if b"\x00" in chunk or b"\x01" in chunk:
                return None
            # ASCII is UTF-8, unless the chunk before ended within a character.
            if decoder.getstate()[0] or not chunk.isascii():
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    return None
                has_unreadable = has_unreadable or mark in previous[1 - len(mark) :] + chunk
            feeds += chunk.count(b"\n")
            if b"\r" in chunk:
                returns += chunk.count(b"\r")
                pairs += chunk.count(b"\r\n")
            if previous.endswith(b"\r") and chunk.startswith(b"\n"):
                pairs += 1
            previous = chunk
            is_blank = is_blank and not chunk.removeprefix(codecs.BOM_UTF8).strip()
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return TextFile(
        path=path,
        encoding="utf-8",
        newline_count=feeds + returns - pairs,
        is_uniform=(returns == pairs) and (pairs in {0, feeds}) and not has_unreadable,
        has_unreadable=has_unreadable,
        ends_with_newline=previous.endswith((b"\n", b"\r")),
        is_blank=is_blank,
    )


def _convert(path: Path, target: Path, encoding: str) -> TextFile:
    codecs.register_error("cxw-mark", _mark_unreadable)
    decoder = codecs.getincrementaldecoder(encoding)("cxw-mark")
    # Only line ends are made equal, so that line numbers stay those of the file.
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    feeds = 0
    last = ""
    is_blank = True
    has_unreadable = False
    with open_bytes(path) as source, target.open("w", encoding="utf-8", newline="") as sink:
        is_final = False
        is_first = True
        while not is_final:
            chunk = source.read(CHUNK_BYTES)
            is_final = not chunk
            text = newlines.decode(decoder.decode(chunk, final=is_final), final=is_final)
            if is_first and text:
                text = text.removeprefix("\ufeff")
                is_first = False
            text = _CONTROL.sub(UNREADABLE, text)
            has_unreadable = has_unreadable or UNREADABLE in text
            feeds += text.count("\n")
            is_blank = is_blank and not text.strip()
            last = text[-1:] or last
            sink.write(text)
    return TextFile(
        path=target,
        encoding=encoding,
        newline_count=feeds,
        is_uniform=not has_unreadable,
        has_unreadable=has_unreadable,
        ends_with_newline=last == "\n",
        is_blank=is_blank,
    )


def _mark_unreadable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNREADABLE, error.end


def readable_text(text: str) -> str:
    """Text for people, with the usual sign where bytes could not be decoded.

    Args:
        text: Text that may hold ``UNREADABLE``.

    Returns:
        The text with U+FFFD instead.
    """
    return text.replace(UNREADABLE, "\ufffd")


@dataclass(frozen=True)
class CsvLayout:
    """How a CSV file is built.

    Attributes:
        delimiter: Between the fields.
        quote: Around a field that holds the delimiter; empty where the format quotes nothing.
        header: The first record's fields; empty where the file has no header.
        header_lines: Physical lines before the first row of data.
    """

    delimiter: str
    quote: str
    header: tuple[str, ...]
    header_lines: int


def csv_layout(
    path: Path,
    *,
    delimiter: str | None,
    quote: str,
    has_header: bool,
    skip_rows_after_header: int,
    declared: frozenset[str],
) -> CsvLayout:
    """Find a CSV file's separator and header.

    Args:
        path: Plain UTF-8 text.
        delimiter: The separator, where it is known.
        quote: Quote character, empty for none.
        has_header: Whether the first record names the columns.
        skip_rows_after_header: Records after the header that are no data.
        declared: Comparable names of the declared columns: the separator under which most of them
            are found is the right one.

    Returns:
        The layout.
    """
    candidates = (delimiter,) if delimiter else DELIMITERS
    best: tuple[tuple[float, ...], str, list[list[str]], int] | None = None
    for candidate in candidates:
        records, lines = _first_records(path, candidate, quote, 1 + skip_rows_after_header)
        rows, _ = _first_records(path, candidate, quote, 30)
        if not records:  # quotes that do not match: the first line as it stands
            records, lines = [_first_line(path, candidate, quote)], 1 + skip_rows_after_header
        header = records[0] if records else []
        widths = [len(row) for row in rows]
        same = sum(width == len(header) for width in widths) / max(len(widths), 1)
        known = sum(comparable_name(name) in declared for name in header) if has_header else 0
        score = (known, same if len(header) > 1 else -1.0, float(len(header)))
        if best is None or score > best[0]:
            best = (score, candidate, records, lines)
    assert best is not None
    _, chosen, records, lines = best
    if not has_header:
        return CsvLayout(chosen, quote, (), 0)
    names = tuple(name.strip() for name in records[0]) if records else ()
    return CsvLayout(chosen, quote, names, lines)


def _first_records(
    path: Path, delimiter: str, quote: str, count: int
) -> tuple[list[list[str]], int]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        reader = _reader(itertools.islice(handle, MAX_RECORD_LINES), delimiter, quote, strict=True)
        records: list[list[str]] = []
        lines = 0
        try:
            for record in reader:
                if _is_blank_record(record):
                    continue
                records.append(record)
                lines = reader.line_num
                if len(records) == count:
                    break
        except csv.Error:
            pass
        return records, lines


def _first_line(path: Path, delimiter: str, quote: str) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        line = handle.readline(MAX_FIELD_CHARS).rstrip("\r\n")
    return [name.strip(quote or None) for name in line.split(delimiter)]


def _reader(lines: Iterator[str] | IO[str], delimiter: str, quote: str, *, strict: bool) -> Any:
    csv.field_size_limit(MAX_FIELD_CHARS)
    if quote:
        return csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=strict)
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=strict)


def _is_blank_record(record: list[str]) -> bool:
    return not record or (len(record) == 1 and not record[0].strip())


@dataclass(frozen=True)
class Walk:
    """What walking through a CSV file gave: two Parquet files.

    Attributes:
        rows: ``_line`` and ``c0`` … of the rows with the right number of fields.
        rejected: ``line, reason_code, reason, record`` of the others.
    """

    rows: Path
    rejected: Path


def walk_csv(path: Path, layout: CsvLayout, width: int, workdir: Path) -> Walk:
    """Separate the whole rows of a CSV file from the broken ones, line by line.

    A record with the wrong number of fields, a stray quote or unreadable bytes is rejected with
    its first line; where such a record had run over several lines, reading resumes at the second.

    Args:
        path: Plain UTF-8 text.
        layout: Its separator, quote and header.
        width: Number of columns.
        workdir: Where the two Parquet files are written.

    Returns:
        The files.
    """
    rows = RowWriter(workdir / "rows.parquet", ["_line", *(f"c{i}" for i in range(width))])
    rejected = RowWriter(workdir / "rejected.parquet", ["line", "reason_code", "reason", "record"])
    with path.open(encoding="utf-8-sig", newline="") as handle, rows, rejected:
        for line, fields, problem, record in _records(handle, layout, width):
            if problem is None:
                rows.add((line, *fields))
            else:
                rejected.add((line, problem[0], problem[1], readable_text(record)))
    return Walk(rows.path, rejected.path)


def _records(
    handle: IO[str], layout: CsvLayout, width: int
) -> Iterator[tuple[int, list[str], tuple[str, str] | None, str]]:
    """Every record: its line, its fields, what is wrong with it, its text."""
    feed = _Feed(handle, layout.header_lines)
    reader = _reader(iter(feed), layout.delimiter, layout.quote, strict=True)
    while True:
        feed.begin()
        problem: tuple[str, str] | None = None
        fields: list[str] = []
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = ("malformed_quotes", f"Quotes do not match: {error}.")
            reader = _reader(iter(feed), layout.delimiter, layout.quote, strict=True)
        text = "".join(feed.taken)
        if problem is None:
            if not text.strip() and layout.delimiter not in text:
                continue  # a blank line; one of separators alone is a row of nulls
            while len(fields) > width and not fields[-1]:
                fields.pop()  # separators at the end of the line, as some exports write
            if len(fields) != width:
                problem = (
                    "too_few_fields" if len(fields) < width else "too_many_fields",
                    f"{len(fields)} fields instead of {width}.",
                )
            elif UNREADABLE in text:
                problem = ("unreadable_bytes", "Bytes that are not in the file's encoding.")
        if problem is None:
            yield feed.first_line, fields, None, text
            continue
        first, *rest = feed.taken
        line = feed.first_line
        if rest:
            feed.put_back(rest)
            reader = _reader(iter(feed), layout.delimiter, layout.quote, strict=True)
        yield line, [], problem, first.rstrip("\r\n")


class _Feed:
    """Lines for a csv.reader, remembering which ones the current record has taken."""

    def __init__(self, handle: IO[str], skipped_lines: int) -> None:
        self._lines = itertools.islice(handle, skipped_lines, None)
        self._waiting: deque[str] = deque()
        self._next_line = self.first_line = skipped_lines + 1
        self.taken: list[str] = []

    def begin(self) -> None:
        self.taken = []
        self.first_line = self._next_line

    def put_back(self, lines: list[str]) -> None:
        self._waiting.extendleft(reversed(lines))
        self._next_line -= len(lines)

    def __iter__(self) -> Iterator[str]:
        while len(self.taken) < MAX_RECORD_LINES:
            line = self._waiting.popleft() if self._waiting else next(self._lines, None)
            if line is None:
                return
            self._next_line += 1
            self.taken.append(line)
            yield line


class RowWriter:
    """Rows of text into a Parquet file, in batches; the first column may be a number."""

    def __init__(self, path: Path, names: list[str]) -> None:
        import pyarrow as pa

        self.path = path
        self._pa = pa
        self._schema = pa.schema(
            [(name, pa.int64() if name in {"_line", "line"} else pa.string()) for name in names]
        )
        self._rows: list[tuple[object, ...]] = []
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> RowWriter:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self.path, self._schema, compression="zstd")
        return self

    def add(self, row: tuple[object, ...]) -> None:
        """Add one row; blank text becomes null, as DuckDB reads it."""
        self._rows.append(row)
        if len(self._rows) >= _BATCH_ROWS:
            self._flush()

    def _flush(self) -> None:
        if not self._rows or self._writer is None:
            return
        columns = [
            self._pa.array([None if value == "" else value for value in column], type=field.type)
            for column, field in zip(zip(*self._rows, strict=True), self._schema, strict=True)
        ]
        self._writer.write_table(self._pa.table(columns, schema=self._schema))
        self._rows.clear()

    def __exit__(self, *error: object) -> None:
        self._flush()
        if self._writer is not None:
            self._writer.close()


def walk_sheet(path: Path, sheet: str | None, workdir: Path) -> tuple[tuple[str, ...], Path]:
    """Read a sheet of an XLSX workbook.

    Args:
        path: The workbook.
        sheet: Sheet name; the first by default.
        workdir: Where the rows are written.

    Returns:
        The header and a Parquet file of ``_line`` and ``c0`` …; wholly blank rows are no rows.

    Raises:
        UnreadableFileError: It is no workbook, or the sheet is not in it.
    """
    import openpyxl

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:
        raise _damaged(path, error) from error
    try:
        if sheet is not None and sheet not in workbook.sheetnames:
            raise UnreadableFileError(
                f"{path.name} has no sheet {sheet!r}.",
                f"Its sheets are {', '.join(workbook.sheetnames)}: name one in options.sheet.",
            )
        cells = (workbook[sheet] if sheet else workbook.worksheets[0]).iter_rows(values_only=True)
        header = tuple(_cell(value) for value in next(cells, ()))
        while header and not header[-1]:
            header = header[:-1]
        writer = RowWriter(
            workdir / "rows.parquet", ["_line", *(f"c{i}" for i in range(len(header)))]
        )
        with writer:
            for line, row in enumerate(cells, start=2):
                values = [_cell(value) for value in row[: len(header)]]
                if any(values):
                    writer.add((line, *values, *[""] * (len(header) - len(values))))
        return header, writer.path
    finally:
        workbook.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # sheets hold every number as a float
    isoformat: Callable[[], str] | None = getattr(value, "isoformat", None)
    return isoformat() if isoformat else str(value)
