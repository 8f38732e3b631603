"""sources.yml: which vendor's files lie where, and what is wrong with the list.

The file is read with line numbers, so that every complaint says where it belongs. ``source_files``
turns the list into files; ``doctor`` looks at them without loading; ``init_text`` writes a
commented file to start from. Secrets never stand in it: a value may name an environment variable
as ``${NAME}``.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from expectations.yaml_loader import Loader
from orchestration.ingestion.errors import FileError, SourcesError
from orchestration.ingestion.registry import VENDORS
from orchestration.ingestion.specs import (
    FileRule,
    ReaderName,
    TableSpec,
    VendorSpec,
    match_columns,
)

MAPPED_VENDOR = "generic"
TIMEZONE_COLUMN = "timezone"

_COMPRESSION = ("", ".gz", ".zst")
_READERS: dict[str, ReaderName] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
}
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_REMOTE = re.compile(r"^[a-z0-9+]+://")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MappedTable(_Strict):
    """One table of a generic source: which file, and which expression gives which column."""

    table: str
    path: str
    columns: dict[str, str]
    where: str | None = None
    timezone: str | None = None
    keep_extra: bool = False
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("columns", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        if isinstance(value, dict):
            return {str(k): str(v) for k, v in value.items() if v is not None}
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (KeyError, ValueError, OSError) as error:
                raise ValueError(
                    f"the time zone {value!r} is unknown; write one like Europe/Helsinki"
                ) from error
        return value


class Source(_Strict):
    """One entry of sources.yml."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    vendor: str
    path: str | None = None
    format: str = "native"
    required: bool = False
    schedule_hours: float | None = Field(default=None, gt=0)
    options: dict[str, Any] = Field(default_factory=dict)
    tables: tuple[MappedTable, ...] = ()


class Sources(_Strict):
    """The content of sources.yml.

    Attributes:
        version: Version of the file's format.
        phone_region: Country of telephone numbers without a country code.
        sources: The entries.
        folder: Where the file lies; paths are relative to it.
    """

    version: Literal[1] = 1
    phone_region: str = Field(default="FI", pattern=r"^[A-Z]{2}$")
    sources: tuple[Source, ...] = ()
    folder: Path = Path()


@dataclass(frozen=True)
class SourceFile:
    """One file of one source, for one table.

    Attributes:
        source: Name in sources.yml.
        vendor: Vendor name.
        table: The table that it delivers.
        rule: How it is read.
        path: Where it is, on this machine.
        source_file: Its place below the source's path, the same on every machine.
        file_key: The export unit that it delivers; its place where the vendor names none.
        is_required: Whether publication waits until it can be read.
        options: The rule's options with those of the source laid over them.
        expressions: SQL by declared column, where a column is not simply there.
        is_mapped: Only the expressions give columns.
        where: SQL condition over the file's columns; other rows belong to no row of this table.
        keep_extra: Undeclared columns go to ``_extra``.
        definition: Hash of how it is read: what the user wrote, a dash, what the spec says.
    """

    source: str
    vendor: str
    table: TableSpec
    rule: FileRule
    path: Path
    source_file: str
    file_key: str
    is_required: bool
    options: Mapping[str, Any] = field(default_factory=dict)
    expressions: Mapping[str, str] = field(default_factory=dict)
    is_mapped: bool = False
    where: str | None = None
    keep_extra: bool = True
    definition: str = ""


# --- reading the list -----------------------------------------------------------------------------


def load_sources(path: Path) -> Sources:
    """Read and check sources.yml.

    Args:
        path: The file.

    Returns:
        Its content.

    Raises:
        SourcesError: It is missing or wrong; the message names file, line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SourcesError(f"{path} does not exist.", "Write one with: cxw init") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SourcesError(f"{path} cannot be read: {error}.", "Save it as UTF-8 text.") from error
    try:
        tree = yaml.compose(text, Loader=Loader)
        content = yaml.load(text, Loader=Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise SourcesError(
            f"{path}{line}: this is no valid YAML: {getattr(error, 'problem', error)}.",
            "Check the indentation, and quote values that hold a colon or start with a quote.",
        ) from error
    if not isinstance(content, dict):
        raise SourcesError(f"{path} holds no sources.", "Write a new one with: cxw init --force")
    content["sources"] = content.get("sources") or []
    try:
        sources = Sources.model_validate({**content, "folder": path.resolve().parent})
    except ValidationError as error:
        problem = error.errors()[0]
        where = tuple(problem["loc"])
        raise SourcesError(
            f"{path}, line {_line_of(tree, where)}: {_complaint(problem, where)}.",
            "See the comments that `cxw init` writes for what may stand there.",
        ) from error
    _check_names(path, tree, sources)
    return sources


def _complaint(problem: Mapping[str, Any], where: tuple[str | int, ...]) -> str:
    name = ".".join(str(part) for part in where if not isinstance(part, int)) or "the file"
    if problem["type"] == "missing":
        return f"{name} is missing"
    if problem["type"] == "extra_forbidden":
        return f"{name} is not known"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}: {message[:1].lower()}{message[1:]}"


def _line_of(tree: yaml.Node | None, where: tuple[str | int, ...]) -> int:
    """The line on which a value stands, or the nearest thing around it that is there."""
    node = tree
    line = 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == str(part):
                    line, node = key.start_mark.line + 1, value
                    break
            else:
                break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _check_names(path: Path, tree: yaml.Node | None, sources: Sources) -> None:
    """Check what the model cannot: names that must exist elsewhere, and must not repeat."""

    def fail(where: tuple[str | int, ...], message: str, remedy: str) -> None:
        raise SourcesError(f"{path}, line {_line_of(tree, where)}: {message}", remedy)

    names: set[str] = set()
    for number, source in enumerate(sources.sources):
        where: tuple[str | int, ...] = ("sources", number)
        if source.name in names:
            fail((*where, "name"), f"the name {source.name} stands twice.", "Give each its own.")
        names.add(source.name)
        vendor = VENDORS.get(source.vendor)
        if vendor is None:
            fail(
                (*where, "vendor"),
                f"the vendor {source.vendor} is unknown.",
                f"Known vendors are {', '.join(VENDORS)}; others are read with vendor: generic.",
            )
            continue
        if source.vendor == MAPPED_VENDOR:
            _check_mappings(source, vendor, where, fail)
            continue
        if source.tables:
            fail((*where, "tables"), "tables belong to vendor: generic only.", "Remove them.")
        if source.path is None:
            fail(where, f"{source.name} has no path.", "Add path: the folder with its files.")
        formats = sorted({rule.format for table in vendor.tables for rule in table.files})
        if source.format not in formats:
            fail(
                (*where, "format"),
                f"{source.vendor} has no format {source.format}.",
                f"Use one of {', '.join(formats)}.",
            )


def _check_mappings(source: Source, vendor: VendorSpec, where: tuple, fail: Any) -> None:
    known = {table.name: table for table in vendor.tables}
    if not source.tables:
        fail(where, f"{source.name} has no tables.", "Add tables: with table, path and columns.")
    for number, mapped in enumerate(source.tables):
        place = (*where, "tables", number)
        table = known.get(mapped.table)
        if table is None:
            fail(
                (*place, "table"),
                f"there is no table {mapped.table}.",
                f"Use one of {', '.join(sorted(known))}.",
            )
            continue
        columns = {column.name: column for column in table.columns}
        for name in mapped.columns:
            if name not in columns:
                fail(
                    (*place, "columns", name),
                    f"{mapped.table} has no column {name}.",
                    f"Its columns are {', '.join(columns)}.",
                )
        missing = [c.name for c in table.columns if c.required and c.name not in mapped.columns]
        if missing:
            fail(
                (*place, "columns"),
                f"{mapped.table} needs {', '.join(missing)}.",
                "Map each to a column of the file, or to an SQL expression.",
            )


# --- finding files --------------------------------------------------------------------------------


def source_files(sources: Sources, cache_dir: Path) -> list[SourceFile]:
    """Every file that the sources name.

    Args:
        sources: The content of sources.yml.
        cache_dir: Where files of remote paths are copied to.

    Returns:
        The files; a path that does not exist gives none (``doctor`` says so).
    """
    found: list[SourceFile] = []
    for source in sources.sources:
        found.extend(files_of(source, sources.folder, cache_dir))
    return found


def files_of(source: Source, folder: Path, cache_dir: Path) -> list[SourceFile]:
    """The files of one source.

    Args:
        source: An entry of sources.yml.
        folder: What its paths are relative to.
        cache_dir: Where files of remote paths are copied to.

    Returns:
        The files.

    Raises:
        SourcesError: A path names an environment variable that is not set, or a required one does
            not exist.
    """
    vendor = VENDORS[source.vendor]
    if source.vendor == MAPPED_VENDOR:
        return [
            file
            for number, mapped in enumerate(source.tables)
            for file in _mapped_files(source, mapped, vendor, folder, cache_dir / str(number))
        ]
    root = resolve_path(source, source.path or "", folder, cache_dir)
    _check_required(source, root)
    present = _walk(root, any("/" in p for t in vendor.tables for r in t.files for p in r.patterns))
    files = []
    for table in vendor.tables:
        taken: set[str] = set()
        for rule in table.files:
            if rule.format != source.format:
                continue
            for relative in present:
                if relative not in taken and _matches(relative, rule, root, vendor):
                    taken.add(relative)
                    files.append(_source_file(source, vendor, table, rule, root, relative))
    return files


def _check_required(source: Source, root: Path) -> None:
    """An absent source is no mistake unless it was said to be required."""
    if source.required and not root.exists():
        raise SourcesError(
            f"Required source {source.name}: {root} does not exist.",
            "Correct the path, or remove `required: true` if it may be absent.",
        )


def resolve_path(source: Source, text: str, folder: Path, cache_dir: Path) -> Path:
    """The local place of a path in sources.yml.

    Args:
        source: The entry, for messages.
        text: The path: relative, absolute or a URL, with ``${NAME}`` for environment variables.
        folder: What a relative path is relative to.
        cache_dir: Where files of a URL are copied to.

    Returns:
        The path, of a copy where it was a URL.

    Raises:
        SourcesError: A variable is not set, or the URL cannot be read.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise SourcesError(
                f"Source {source.name}: the environment variable {name} is not set.",
                f"Set it, or write the path out in sources.yml: {text}",
            )
        return os.environ[name]

    text = _VARIABLE.sub(value, text)
    if _REMOTE.match(text):
        return _fetched(source, text, cache_dir / source.name)
    path = Path(text).expanduser()
    return path if path.is_absolute() else folder / path


def _fetched(source: Source, url: str, target: Path) -> Path:
    """Copy what is new or changed at a URL; its time of change is kept."""
    import fsspec

    try:
        filesystem, root = fsspec.core.url_to_fs(url)
        listing = filesystem.find(root, detail=True)
    except (ImportError, OSError, ValueError) as error:
        raise SourcesError(
            f"Source {source.name}: {url} cannot be read: {error}.",
            "Check the address and the credentials in the environment; some kinds of address need "
            "their fsspec package (s3fs, gcsfs, adlfs).",
        ) from error
    prefix = root.rstrip("/")
    target.mkdir(parents=True, exist_ok=True)
    kept: set[Path] = set()
    for name, details in listing.items():
        relative = name[len(prefix) :].lstrip("/") or Path(name).name
        local = target / relative
        kept.add(local)
        modified = _modified(details)
        if (
            local.exists()
            and local.stat().st_size == details.get("size")
            and (modified is None or int(local.stat().st_mtime) == int(modified))
        ):
            continue
        local.parent.mkdir(parents=True, exist_ok=True)
        draft = local.with_name(f"{local.name}.{os.getpid()}.part")
        filesystem.get_file(name, str(draft))
        if modified is not None:
            os.utime(draft, (modified, modified))
        os.replace(draft, local)
    for local in [p for p in target.rglob("*") if p.is_file() and p not in kept]:
        local.unlink()
    return target


def _modified(details: Mapping[str, Any]) -> float | None:
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = details.get(key)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value).timestamp()
            except ValueError:
                continue
    return None


def _walk(root: Path, recursive: bool) -> list[str]:
    """Files below a folder by relative path; the file itself where the path is one."""
    if root.is_file():
        return [root.name]
    if not root.is_dir():
        return []
    try:
        return sorted(_scan(root, "", recursive))
    except PermissionError as error:
        raise SourcesError(
            f"{error.filename or root} may not be listed.",
            "Give the user that runs this the right to read the folder, or correct the path.",
        ) from error


def _scan(folder: Path, prefix: str, recursive: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_file():
                yield prefix + entry.name
            elif recursive and entry.is_dir():
                yield from _scan(Path(entry.path), f"{prefix}{entry.name}/", recursive)


def _matches(relative: str, rule: FileRule, root: Path, vendor: VendorSpec) -> bool:
    if any(_pattern(p, rule.reader).match(relative) for p in rule.patterns):
        return True
    # A path that names one file means that file, whatever it is called.
    suffix = Path(relative.removesuffix(".gz").removesuffix(".zst")).suffix.lower()
    return root.is_file() and len(vendor.tables) == 1 and _READERS.get(suffix) == rule.reader


@lru_cache(maxsize=1024)
def _pattern(pattern: str, reader: str) -> re.Pattern[str]:
    """A glob as a regular expression; ``*`` stays within a folder, ``**/`` spans any number.

    Compression suffixes are allowed for, and a sheet in place of CSV.
    """
    parts = [
        "".join(
            "[^/]*" if char == "*" else "[^/]" if char == "?" else re.escape(char) for char in p
        )
        for p in pattern.split("**/")
    ]
    body = "(?:.*/)?".join(parts)
    if reader == "csv" and pattern.endswith(".csv"):
        body = body.removesuffix(re.escape(".csv")) + r"\.(?:csv|xlsx)"
    return re.compile(f"{body}(?:\\.gz|\\.zst)?\\Z", re.IGNORECASE)


def _source_file(
    source: Source,
    vendor: VendorSpec,
    table: TableSpec,
    rule: FileRule,
    root: Path,
    relative: str,
) -> SourceFile:
    expressions = dict(rule.options.get("columns", {}))
    options = {**rule.options, **source.options}
    return SourceFile(
        source=source.name,
        vendor=vendor.name,
        table=table,
        rule=rule,
        path=root if root.is_file() else root / relative,
        source_file=relative,
        file_key=_file_key(rule, relative),
        is_required=source.required,
        options=options,
        expressions=expressions,
        definition=_definition([source.format, source.options], [rule, table.columns]),
    )


def _file_key(rule: FileRule, relative: str) -> str:
    found = re.search(rule.file_key, Path(relative).name) if rule.file_key else None
    return found.group(1) if found else relative


def _mapped_files(
    source: Source, mapped: MappedTable, vendor: VendorSpec, folder: Path, cache_dir: Path
) -> list[SourceFile]:
    table = vendor.table(mapped.table)
    text = f"{source.path.rstrip('/')}/{mapped.path}" if source.path else mapped.path
    glob = ""
    if any(char in Path(text).name for char in "*?["):
        text, _, glob = text.rpartition("/")
    root = resolve_path(source, text or ".", folder, cache_dir)
    _check_required(source, root)
    names = [n for n in _walk(root, False) if not glob or fnmatch.fnmatch(n, glob)]
    expressions = dict(mapped.columns)
    if mapped.timezone and TIMEZONE_COLUMN in {column.name for column in table.columns}:
        expressions[TIMEZONE_COLUMN] = f"'{mapped.timezone}'"
    files = []
    for name in names:
        suffix = Path(name.removesuffix(".gz").removesuffix(".zst")).suffix.lower()
        if suffix not in _READERS:
            continue
        rule = FileRule(format="native", patterns=(name,), reader=_READERS[suffix])
        files.append(
            SourceFile(
                source=source.name,
                vendor=vendor.name,
                table=table,
                rule=rule,
                path=root if root.is_file() else root / name,
                source_file=name,
                file_key=name,
                is_required=source.required,
                options={**source.options, **mapped.options},
                expressions=expressions,
                is_mapped=True,
                where=mapped.where,
                keep_extra=mapped.keep_extra,
                definition=_definition(
                    [expressions, mapped.where, mapped.keep_extra, source.options, mapped.options],
                    [table.columns],
                ),
            )
        )
    return files


def _definition(written: list[object], declared: list[object]) -> str:
    user = hashlib.md5(json.dumps(written, sort_keys=True, default=str).encode()).hexdigest()[:12]
    return f"{user}-{hashlib.md5(repr(declared).encode()).hexdigest()[:12]}"


# --- looking without loading ----------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """What a look at one source or file gave.

    Attributes:
        source: Name in sources.yml.
        table: Table, where one is meant.
        file: File, where one is meant.
        status: ok, warning or error.
        remedy: What is there, or what to do about it.
    """

    source: str
    table: str
    file: str
    status: Literal["ok", "warning", "error"]
    remedy: str


#: Of the files of one table, the newest ones are opened: a check must not take as long as a load.
DOCTOR_FILES = 3


def doctor(sources: Sources, cache_dir: Path | None = None) -> list[Finding]:
    """Check the sources without loading: paths, patterns, encodings, columns, credentials.

    Args:
        sources: The content of sources.yml.
        cache_dir: Where files of remote paths are copied to; by default beside the raw zone.

    Returns:
        One finding per source that has no files, and per table that has some.
    """
    cache = cache_dir or sources.folder / "raw" / "_cache"
    findings: list[Finding] = []
    if not sources.sources:
        findings.append(
            Finding("sources.yml", "", "", "warning", "No source is active: remove some comments.")
        )
    for source in sources.sources:
        try:
            files = files_of(source, sources.folder, cache)
        except SourcesError as error:
            findings.append(Finding(source.name, "", "", "error", str(error)))
            continue
        if not files:
            findings.append(_nothing_found(source, sources.folder))
            continue
        for table in dict.fromkeys(file.table.name for file in files):
            mine = [file for file in files if file.table.name == table]
            findings.extend(_examine(source, table, mine))
        findings.extend(_left_aside(source, sources.folder, cache, files))
    return findings


def _left_aside(
    source: Source, folder: Path, cache_dir: Path, files: list[SourceFile]
) -> list[Finding]:
    """What lies in a source's folder and belongs to no table: perhaps only its name is wrong."""
    if source.vendor == MAPPED_VENDOR:
        return []
    root = resolve_path(source, source.path or "", folder, cache_dir)
    read = {file.source_file for file in files}
    others = [name for name in _walk(root, True) if name not in read]
    if not others:
        return []
    shown = ", ".join(others[:5]) + (", …" if len(others) > 5 else "")
    return [
        Finding(
            source.name,
            "",
            shown,
            "warning",
            f"Not read ({len(others)}): no table's files are named so, or are of this format. "
            "Rename or unpack what is meant to be read.",
        )
    ]


def _nothing_found(source: Source, folder: Path) -> Finding:
    vendor = VENDORS[source.vendor]
    status: Literal["warning", "error"] = "error" if source.required else "warning"
    if source.vendor == MAPPED_VENDOR:
        paths = ", ".join(mapped.path for mapped in source.tables)
        return Finding(source.name, "", paths, "error", "No such file: correct the paths.")
    root = Path(source.path or "")
    root = root if root.is_absolute() else folder / root
    if not _REMOTE.match(source.path or "") and not root.exists():
        return Finding(
            source.name,
            "",
            str(root),
            "error",
            "This path does not exist: correct it or create it.",
        )
    patterns = sorted(
        {p for t in vendor.tables for r in t.files if r.format == source.format for p in r.patterns}
    )
    return Finding(
        source.name, "", str(source.path), status, f"No file is named like {', '.join(patterns)}."
    )


def _examine(source: Source, table: str, files: list[SourceFile]) -> list[Finding]:
    from orchestration.ingestion.readers import file_columns, shown_columns

    findings = []
    newest = sorted(files, key=lambda file: file.path.stat().st_mtime)[-DOCTOR_FILES:]
    for file in newest:
        rule = FileRule(file.rule.format, file.rule.patterns, file.rule.reader, file.options)
        try:
            columns = file_columns(file.path, rule, file.table.columns)
        except FileError as error:
            findings.append(Finding(source.name, table, file.source_file, "error", str(error)))
            continue
        except PermissionError:
            findings.append(
                Finding(
                    source.name, table, file.source_file, "error", "It may not be read: chmod it."
                )
            )
            continue
        if file.is_mapped:
            findings.extend(
                Finding(source.name, table, file.source_file, "error", problem)
                for problem in _mapping_problems(file, columns)
            )
            continue
        if not columns:
            continue  # JSON without a record: there is nothing that could be missing
        names = list(columns)
        found = match_columns(file.table.columns, names)
        missing = [
            column.name
            for column in file.table.columns
            if column.required and column.name not in found and column.name not in file.expressions
        ]
        if missing:
            findings.append(
                Finding(
                    source.name,
                    table,
                    file.source_file,
                    "error",
                    f"Required columns are missing: {', '.join(missing)}; "
                    f"{shown_columns(names, len(found))}.",
                )
            )
    if not any(finding.status == "error" for finding in findings):
        count = f"{len(files)} file" + ("s" if len(files) > 1 else "")
        findings.append(Finding(source.name, table, count, "ok", "readable"))
    return findings


def _mapping_problems(file: SourceFile, columns: Mapping[str, str]) -> list[str]:
    """What is wrong with a file's mapping whatever its rows."""
    from orchestration.ingestion.readers import expression_error, shown_columns

    own_names = {name.casefold() for name in columns}
    expressions = {f"The mapping of {name}": sql for name, sql in file.expressions.items()}
    if file.where:
        expressions["The condition"] = file.where
    return [
        f"{what}, {sql}, cannot be evaluated: {error} "
        f'Of the file: {shown_columns(list(columns), 1)}; quote a name with "…".'
        for what, sql in expressions.items()
        # A bare column name needs no quotes, even where SQL would read it as a keyword.
        if sql.strip().casefold() not in own_names
        and (error := expression_error(sql, columns)) is not None
    ]


# --- a file to start from -------------------------------------------------------------------------

_HEAD = """\
# What the warehouse reads. Check it with `cxw doctor`, load it with `cxw run`.
#
# Each entry: name (yours), vendor, path (relative to this file, absolute, or a URL such as
# s3://bucket/folder; ${NAME} is taken from the environment). Optional:
#   format: fivetran      another layout than the vendor's own, where the vendor has one
#   required: true        nothing is published while a file of this source cannot be read
#   schedule_hours: 24    how often it is delivered; the audit complains when it is late
#   options: {delimiter: ";", encoding: cp1252, sheet: Sheet1}   where the automatic choice is wrong
# Compressed files (.gz, .zst) are read as they are. Secrets belong in the environment, never here.
version: 1
# Country of telephone numbers without a country code.
phone_region: FI

sources:
"""

_MAPPED_EXAMPLE = """\
  # Any other tool: name the file's columns once. Each value is an SQL expression over the file's
  # columns; "…" quotes a name, '…' a text. Whole mappings to copy from, of reviews, mystery
  # shopping, visitor counters, uptime, product use, interviews and benchmarks too, are in
  # seeds/sample/generic_sources.yml.
  # - name: my_shop
  #   vendor: generic
  #   tables:
  #     - table: orders
  #       path: exports/my_shop/orders_*.csv
  #       timezone: Europe/Helsinki
  #       where: "state <> 'test'"
  #       columns:
  #         order_id: '"Order number"'
  #         ordered_at: created
  #         total_amount: replace(total, ',', '.')
  #         currency: "'EUR'"
  #         email: customer_email
"""


def init_text(home: Path) -> str:
    """A commented sources.yml: every vendor, those with a folder under ``exports/`` active.

    Args:
        home: ``CXW_HOME``, where the file will lie.

    Returns:
        The text.
    """
    blocks = [_HEAD]
    for vendor in VENDORS.values():
        if vendor.name != MAPPED_VENDOR:
            blocks.append(_block(vendor, (home / "exports" / vendor.name).is_dir()))
    blocks.append(_MAPPED_EXAMPLE)
    return "\n".join(blocks)


def _block(vendor: VendorSpec, is_active: bool) -> str:
    formats: dict[str, list[str]] = {}
    for table in vendor.tables:
        for rule in table.files:
            formats.setdefault(rule.format, []).extend(
                p for p in rule.patterns if p not in formats.get(rule.format, [])
            )
    notes = [f"{vendor.description} {vendor.docs_url}".strip()]
    notes += [f"{name}: {', '.join(patterns)}" for name, patterns in formats.items()]
    lines = [f"  # {line}" for note in notes for line in _wrapped(note)]
    entry = [
        f"- name: {vendor.name}",
        f"  vendor: {vendor.name}",
        f"  path: exports/{vendor.name}",
    ]
    if "native" not in formats and formats:
        entry.append(f"  format: {next(iter(formats))}")
    lines += [f"  {line}" if is_active else f"  # {line}" for line in entry]
    return "\n".join(lines) + "\n"


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 94, break_long_words=False, break_on_hyphens=False)
