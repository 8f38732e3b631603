"""Whatever a file looks like, every record of it is landed or quarantined, with its own line."""

import csv
import gzip
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import duckdb
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.ingestion import readers
from orchestration.ingestion.errors import EmptyFileError, UnreadableFileError
from orchestration.ingestion.readers import (
    REJECTED,
    ReadRequest,
    file_columns,
    keep_rows,
    read_file,
    shown_columns,
)
from orchestration.ingestion.specs import Column, FileRule

DECLARED = (Column("id"), Column("name"), Column("note"))
CSV = FileRule("native", ("*.csv",), "csv")
JSONL = FileRule("native", ("*.jsonl",), "jsonl")
JSON = FileRule("native", ("*.json",), "json")


def read(path: Path, rule: FileRule = CSV, declared=DECLARED, **options):
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        content = read_file(
            connection,
            ReadRequest(path, rule, declared, Path(folder), {**rule.options, **options}),
        )
        table = keep_rows(connection, content)
        values = ", ".join([f"{table.line} as _line", *table.columns.values()])
        rows = connection.execute(
            f"select {values} from {table.relation} order by _line"
        ).fetchall()
        assert content.streamed_rows in (None, len(rows))
        rejected = connection.execute(
            f"select line, reason_code, record from {REJECTED} order by line"
        ).fetchall()
        return content, rows, rejected


def read_without_looking(path: Path, rule: FileRule = CSV, declared=DECLARED, **options):
    """What ``read`` gives, of a file not looked through; None where it is found to be another."""
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        request = ReadRequest(
            path, rule, declared, Path(folder), {**rule.options, **options}, looks_through=False
        )
        content = read_file(connection, request)
        try:
            table = keep_rows(connection, content)
        except readers.READING_ERRORS:
            assert content.is_streamed
            return None
        values = ", ".join([f"{table.line} as _line", *table.columns.values()])
        rows = connection.execute(
            f"select {values} from {table.relation} order by _line"
        ).fetchall()
        rejected = connection.execute(
            f"select line, reason_code, record from {REJECTED} order by line"
        ).fetchall()
        return (content, rows, rejected) if content.streamed_rows in (None, len(rows)) else None


def write(folder: Path, content: str | bytes, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# --- every row is accounted for ------------------------------------------------------------------

_plain = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='",;|\ufeff\U0010ffff'),
    max_size=6,
)
_awkward = st.one_of(_plain, st.sampled_from(['a"b', "line\nbreak", "x,y", '""', " ", "ä;ö"]))
_line = st.one_of(
    st.lists(_plain, min_size=1, max_size=5).map(",".join),
    st.sampled_from(
        ["", '"', '1,"open', 'closed",2', '1,"a"b,3', "1,2,3,", "1,2,3,,", ",,", "\t", "1,2"]
    ),
)


@settings(max_examples=60)
@given(st.lists(_line, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_no_line_of_a_mangled_file_is_lost_or_counted_twice(lines, newline):
    text = newline.join(["id,name,note", *lines, ""])
    with TemporaryDirectory() as folder:
        _, rows, rejected = read(write(Path(folder), text), delimiter=",")
    # A record is read with its own line; only inside quotes does one span several lines.
    seen = [row[0] for row in rows] + [line for line, _, _ in rejected]
    assert len(seen) == len(set(seen))
    spanned = sum((value or "").count("\n") for row in rows for value in row[1:])
    full = [number for number, line in enumerate(lines, start=2) if line.strip()]
    assert set(full) >= set(seen)
    assert len(full) - len(seen) <= spanned


@settings(max_examples=60)
@given(
    st.lists(st.lists(_awkward, min_size=3, max_size=3), max_size=10),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_csv_writer_writes_is_read_back(records, delimiter, newline, encoding):
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "name", "note"])
    writer.writerows(records)
    with TemporaryDirectory() as folder:
        _, rows, rejected = read(write(Path(folder), buffer.getvalue().encode(encoding)))
    assert rejected == []
    assert [row[1:] for row in rows] == [tuple(v or None for v in r) for r in records]


_whole_line = st.lists(
    st.one_of(_plain, st.sampled_from(["", '"x,y"', '"a""b"', " "])), min_size=3, max_size=3
).map(",".join)


@settings(max_examples=40)
@given(
    st.lists(st.one_of(_whole_line, _whole_line, _line), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_a_csv_file_read_at_one_go_gives_what_line_by_line_reading_gives(lines, newline, is_closed):
    text = newline.join(["id,name,note", *lines]) + (newline if is_closed else "")
    with TemporaryDirectory() as folder:
        path = write(Path(folder), text)
        _, rows, rejected = read(path, delimiter=",")
        with patch.object(readers, "_is_clean_csv", return_value=False):
            content, *careful = read(path, delimiter=",")
        unseen = read_without_looking(path, delimiter=",")
    assert not content.is_streamed
    assert [rows, rejected] == careful
    assert unseen is None or unseen[1:] == (rows, rejected)


def test_short_and_long_rows_are_rejected_with_line_reason_and_text(tmp_path):
    path = write(tmp_path, "id,name,note\n1,a,b\n2,c\n3,d,e,f\n\n4,g,h\n")
    _, rows, rejected = read(path)
    assert rows == [(2, "1", "a", "b"), (6, "4", "g", "h")]
    assert rejected == [(3, "too_few_fields", "2,c"), (4, "too_many_fields", "3,d,e,f")]


def test_an_unclosed_quote_costs_one_line_not_the_rest_of_the_file(tmp_path):
    path = write(tmp_path, 'id,name,note\n1,"a,b\n2,c,d\n3,"e\nf",g\n')
    _, rows, rejected = read(path)
    assert rows == [(3, "2", "c", "d"), (4, "3", "e\nf", "g")]
    assert rejected == [(2, "malformed_quotes", '1,"a,b')]


def test_line_numbers_count_quoted_line_breaks(tmp_path):
    path = write(tmp_path, 'id,name,note\n1,"a\nb\nc",x\n2,y,z\n')
    assert [row[0] for row in read(path)[1]] == [2, 5]


def test_rows_after_the_header_can_be_left_out(tmp_path):
    path = write(tmp_path, 'id,name,note\n"a text\nof two lines",b,c\nx,y,z\n1,2,3\n')
    _, rows, _ = read(path, skip_rows_after_header=2)
    assert rows == [(5, "1", "2", "3")]


# --- headers, separators, encodings --------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_under_which_declared_columns_are_found(tmp_path, delimiter):
    text = delimiter.join(["id", "name", "a,b;c|d".replace(delimiter, "-")]) + "\n"
    content, rows, _ = read(write(tmp_path, text + delimiter.join(["1", "2", "3"]) + "\n"))
    assert list(content.columns)[:2] == ["id", "name"]
    assert rows == [(2, "1", "2", "3")]


def test_the_first_of_two_equal_headers_keeps_the_name(tmp_path):
    content, rows, _ = read(write(tmp_path, "id,name,NAME\n1,a,b\n"))
    assert list(content.columns) == ["id", "name", "NAME_2"]
    assert rows == [(2, "1", "a", "b")]
    assert content.warnings == (
        "Column 'NAME' stands 2 times; the first is kept, this one as 'NAME_2'.",
    )


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        ("utf-8", "Äänekoski €"),
        ("utf-8-sig", "Äänekoski €"),
        ("utf-16", "Äänekoski €"),
        ("utf-16-le", "Äänekoski €"),
        ("iso8859-1", "Äänekoski"),
        ("iso8859-15", "Äänekoski hinta 5 €"),
        ("cp1252", "Äänekoski “5 €”"),
    ],
)
def test_usual_encodings_are_recognised(tmp_path, encoding, word):
    text = "id,name,note\n" + "".join(f"{i},{word},Hyvää päivää\n" for i in range(20))
    _, rows, rejected = read(write(tmp_path, text.encode(encoding)))
    assert {row[2] for row in rows} == {word}
    assert rejected == []


def test_a_line_with_damaged_bytes_does_not_change_the_encoding_of_the_others(tmp_path):
    good = "".join(f"{i},Äijä,päivää\n" for i in range(5)).encode()
    path = write(tmp_path, b"id,name,note\n" + good + b"9,\xe4ij\xe4,x\n" + b"10,a\x00b,x\n")
    _, rows, rejected = read(path)
    assert {row[2] for row in rows} == {"Äijä"}
    assert [(line, code) for line, code, _ in rejected] == [
        (7, "unreadable_bytes"),
        (8, "unreadable_bytes"),
    ]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files_are_read(tmp_path, suffix):
    plain = b"id,name,note\n1,a,b\n"
    packed = gzip.compress(plain) if suffix == ".gz" else zstandard.compress(plain)
    assert read(write(tmp_path, packed, f"x.csv{suffix}"))[1] == [(2, "1", "a", "b")]


def test_a_cut_off_compressed_file_is_named(tmp_path):
    packed = gzip.compress(b"id,name,note\n" + b"1,a,b\n" * 10_000)
    with pytest.raises(UnreadableFileError, match=r"x\.csv\.gz"):
        read(write(tmp_path, packed[:-20], "x.csv.gz"))


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_says_so(tmp_path, content):
    with pytest.raises(EmptyFileError, match=r"x\.csv is empty"):
        read(write(tmp_path, content))


def test_a_sheet_is_read_like_a_csv_file(tmp_path):
    import openpyxl

    workbook = openpyxl.Workbook()
    for row in (["id", "name", "note"], [1, "Ääni", 2.5], [None, None, None], [2, "b", None]):
        workbook.active.append(row)
    workbook.save(tmp_path / "x.xlsx")
    _, rows, _ = read(tmp_path / "x.xlsx")
    assert rows == [(2, "1", "Ääni", "2.5"), (4, "2", "b", None)]


# --- JSON ----------------------------------------------------------------------------------------


def test_a_broken_json_line_is_rejected_and_the_others_are_read(tmp_path):
    text = '{"id": 1, "name": {"a": [1]}}\n\n{"id": 2,\n[1]\n"text"\n{"id": 3}\n'
    content, rows, rejected = read(write(tmp_path, text, "x.jsonl"), JSONL)
    assert list(content.columns) == ["id", "name"]
    assert rows == [(1, "1", '{"a":[1]}'), (6, "3", None)]
    assert [(line, code) for line, code, _ in rejected] == [
        (3, "broken_json"),
        (4, "not_an_object"),
        (5, "not_an_object"),
    ]


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.dictionaries(
                st.sampled_from(["id", "name", "x y"]),
                st.one_of(st.none(), st.integers(-(2**40), 2**40), st.text(max_size=5)),
                min_size=1,
            ).map(json.dumps),
            st.sampled_from(["{", "not json", "12", '"a"', "", "   ", '{"id": 1} x']),
        ),
        max_size=10,
    )
)
def test_no_json_line_is_lost(lines):
    with TemporaryDirectory() as folder:
        path = write(Path(folder), '{"id": 0}\n' + "\n".join(lines) + "\n", "x.jsonl")
        _, rows, rejected = read(path, JSONL)
    full = {number for number, line in enumerate(['{"id": 0}', *lines], start=1) if line.strip()}
    assert sorted([row[0] for row in rows] + [line for line, _, _ in rejected]) == sorted(full)


_value = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
_of_a_key = st.characters(exclude_categories=("Cs",))
# Declared columns go through a box, and the box in it.
_in_a_box = (Column("id"), Column("name", path="$.box.name"), Column("note", path="box.box.note"))
_record = st.dictionaries(
    st.one_of(
        st.sampled_from(["id", "name", "note", "ID", "id_1", "box"]),
        st.text(_of_a_key, min_size=1, max_size=3),
    ),
    st.one_of(
        _value,
        st.dictionaries(
            st.sampled_from(["name", "box", "ä"]),
            st.one_of(_value, st.dictionaries(st.sampled_from(["note", "*"]), _value)),
        ),
    ),
    max_size=4,
).flatmap(lambda record: st.booleans().map(lambda ascii_: json.dumps(record, ensure_ascii=ascii_)))
_broken = st.sampled_from(
    [
        "{",
        '{"id": 1} x',
        '{"id": 1}}',
        "12",
        "",
        " ",
        "[]",
        '[{"id": 1}]',
        ' {"id": 1}',
        "{}",
        '{"id": 1, "id": 2}',
        '{"id": NaN}',
        '{"id": "\U0010ffff"}',
        '{"id": 1,}',
    ]
)


@settings(max_examples=100)
@given(
    st.lists(st.one_of(_record, _record, _record, _broken), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([DECLARED, _in_a_box]),
    st.sampled_from(['{"id": 0}', '{"id": "a", "box": {"name": 1, "box": {"note": [2]}}}']),
    st.sampled_from([1, 2_048]),
)
def test_a_json_file_read_at_one_go_gives_what_line_by_line_reading_gives(
    lines, newline, is_closed, declared, first, sampled
):
    text = newline.join([first, *lines]) + (newline if is_closed else "")
    with TemporaryDirectory() as folder:
        path = write(Path(folder), text.encode("utf-8", "surrogatepass"), "x.jsonl")
        content, *fast = read(path, JSONL, declared)
        with patch.object(readers, "_clean_json_paths", return_value=None):
            same, *careful = read(path, JSONL, declared)
        with patch.object(readers, "_SAMPLED_RECORDS", sampled):
            unseen = read_without_looking(path, JSONL, declared)
    assert not same.is_streamed
    assert [list(content.columns), *fast] == [list(same.columns), *careful]
    if unseen is not None:
        by_name = [
            [dict(zip(found.columns, row[1:], strict=True)) for row in rows]
            for found, rows in ((unseen[0], unseen[1]), (same, careful[0]))
        ]
        assert by_name[0] == by_name[1]


@pytest.mark.parametrize(
    ("text", "records_path"),
    [
        ('[{"id": 1}, {"id": 2}]', None),
        ('{"data": {"items": [{"id": 1},\n {"id": 2}]}}', "data.items"),
        ('{"data": {"id": 1}}\n{"data": {"id": 2}}\n', "data"),
        ('{"data": [{"id": 1}, {"id": 2}]}\n', "data"),
        ('{\n  "id": 1\n}', None),
        # Scripts write what an API gave: its pages, or the records on them.
        ('[{"data": [{"id": 1}]}, {"data": [{"id": 2}]}]', "data"),
        ('[{"id": 1}, {"id": 2}]', "data"),
    ],
)
def test_records_are_found_wherever_the_document_keeps_them(tmp_path, text, records_path):
    options = {"records_path": records_path} if records_path else {}
    _, rows, rejected = read(write(tmp_path, text, "x.json"), JSON, **options)
    assert [row[1] for row in rows] == ["1", "2"][: len(rows)]
    assert len(rows) == (1 if text.startswith("{\n") else 2)
    assert rejected == []


@pytest.mark.parametrize("key", ["sähköposti", "*", 'a"b', "a/b", "~", "a.b", ""])
def test_a_value_is_read_under_any_key(tmp_path, key):
    path = write(tmp_path, json.dumps({"id": 1, key: "5"}) + "\n", "x.jsonl")
    for found in (read(path, JSONL), read_without_looking(path, JSONL)):
        content, [(_, *values)], _ = found
        assert dict(zip(content.columns, values, strict=True)) == {"id": "1", key: "5"}


def test_a_broken_first_line_costs_one_line_not_the_file(tmp_path):
    path = write(tmp_path, '{"id": 1, "na\n{"id": 2}\n{"id": 3}\n', "x.jsonl")
    _, rows, rejected = read(path, JSONL)
    assert [row[:2] for row in rows] == [(2, "2"), (3, "3")]
    assert [(line, code) for line, code, _ in rejected] == [(1, "broken_json")]


def test_a_cut_off_json_document_is_named(tmp_path):
    with pytest.raises(UnreadableFileError, match=r"x\.json is no valid JSON"):
        read(write(tmp_path, '[{"id": 1}, {"id"', "x.json"), JSON)


def test_a_file_that_is_no_parquet_is_named(tmp_path):
    with pytest.raises(UnreadableFileError, match=r"x\.parquet cannot be read as Parquet"):
        read(write(tmp_path, "id,name\n", "x.parquet"))


def test_the_look_of_a_check_names_the_file_and_sees_documents_beyond_the_first_megabytes(tmp_path):
    cut = write(tmp_path, gzip.compress(b"id,name\n" * 50_000)[:-20], "cut.csv.gz")
    with pytest.raises(UnreadableFileError, match=r"cut\.csv\.gz cannot be read"):
        file_columns(cut, CSV, DECLARED)
    with pytest.raises(EmptyFileError, match=r"blank\.csv is empty"):
        file_columns(write(tmp_path, "\n\n", "blank.csv"), CSV, DECLARED)
    records = [{"id": number, "note": "x" * 1_000} for number in range(6_000)]
    large = write(tmp_path, json.dumps(records), "large.json")
    assert list(file_columns(large, JSON, DECLARED)) == ["id", "note"]


def test_a_message_names_columns_but_repeats_no_record(tmp_path):
    assert shown_columns(["id", "sold at", "maija@posti.example"], 1) == (
        "it has id, sold at and 1 more"
    )
    headless = ["R1", "2026-01-01 10:00", "maija@posti.example", "9.90"]
    assert shown_columns(headless, 0) == "its first line names no columns"
    assert shown_columns([], 0) == "it has none"


@pytest.mark.parametrize("name", ["x[1]", "x*", "x?"])
@pytest.mark.parametrize(
    ("rule", "content"),
    [
        (CSV, "id,name\n{0},1\n"),
        (JSONL, '{{"id": "{0}", "name": 1}}\n'),
        (JSON, '[{{"id": "{0}", "name": 1}}]'),
    ],
    ids=["csv", "jsonl", "json"],
)
def test_the_name_of_a_file_is_no_pattern(tmp_path, name, rule, content):
    write(tmp_path, content.format("other"), f"x1.{rule.reader}")
    path = write(tmp_path, content.format("own"), f"{name}.{rule.reader}")
    for way in (read, read_without_looking):
        _, rows, rejected = way(path, rule)
        assert [row[1] for row in rows] == ["own"]
        assert rejected == []
