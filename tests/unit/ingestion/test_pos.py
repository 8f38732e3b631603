"""Tills' CSV files."""

RECEIPTS = (
    "receipt_id;store_id;till_id;sold_at;currency;total_amount;vat_amount;loyalty_id\n"
    "R1;S1;2;2026-03-01 14:05:09;EUR;124,00;24,00;L1\n"
    "R2;S1;2;2026-03-01 15:00:00;EUR;-62,00;-12,00;\n"
)


def test_receipts_land_as_they_came_whatever_the_separator(land_files):
    raw = land_files("pos", {"receipts_202603.csv": RECEIPTS})

    assert [
        (row["receipt_id"], row["total_amount"], row["loyalty_id"])
        for row in raw.rows("pos", "receipts")
    ] == [
        ("R1", "124,00", "L1"),
        ("R2", "-62,00", None),
    ]


def test_lines_are_not_taken_for_receipts(land_files):
    lines = "receipt_id,line_number,sku,quantity,unit_price,line_total\nR1,1,A-1,2,62.00,124.00\n"
    raw = land_files("pos", {"receipts_202603.csv": RECEIPTS, "receipt_lines_202603.csv": lines})

    assert {(row["table_name"], row["rows_landed"]) for row in raw.manifest().values()} == {
        ("receipts", 2),
        ("receipt_lines", 1),
    }


def test_file_without_totals_fails_by_name_and_the_other_lands(land_files):
    raw = land_files(
        "pos",
        {
            "receipts_202602.csv": "receipt_id;store_id;sold_at\nR0;S1;2026-02-01 10:00:00\n",
            "receipts_202603.csv": RECEIPTS,
        },
    )

    manifest = raw.manifest()
    assert manifest["receipts_202603.csv"]["status"] == "loaded"
    assert manifest["receipts_202602.csv"]["status"] == "failed"
    assert "total_amount" in manifest["receipts_202602.csv"]["error"]


def test_local_and_international_spelling_of_a_phone_have_one_hash(land_files):
    feedback = (
        "feedback_id;phone;sent_at;received_at;message\n"
        "F1;040 123 4567;2026-03-01 18:00:00;2026-03-01 18:05:00;5 kiitos!\n"
        "F2;+358401234567;2026-03-02 18:00:00;;\n"
    )
    raw = land_files("pos", {"sms_feedback.csv": feedback})

    rows = [
        (row["phone"], row["phone__hash"], row["message"])
        for row in raw.rows("pos", "sms_feedback")
    ]
    assert [row[0] for row in rows] == ["040 123 4567", "+358401234567"]
    assert rows[0][1] is not None
    assert rows[0][1] == rows[1][1]
    assert [row[2] for row in rows] == ["5 kiitos!", None]
