from __future__ import annotations

HEADER = (
    "contact_ref;channel;direction;started_at;ended_at;queue;ivr_choice;topic;agent_id;team;"
    "phone;email;loyalty_id;client_id;wait_seconds;handle_seconds;outcome;transferred;resolved;"
    "ticket_id\n"
)
CALL = (
    "C1;phone;inbound;2026-02-01 23:58:00;2026-02-02 00:06:00;orders;;delivery;A7;north;"
    "0401234567;;L0001;;40,5;440;resolved;0;1;35436\n"
)


def test_a_leg_is_partitioned_by_its_local_day_and_its_number_is_hashed(land_files):
    raw = land_files("call_centre", {"contacts_202602.csv": HEADER + CALL})

    (row,) = raw.rows("call_centre", "contacts")
    assert str(row["dt"]) == "2026-02-01"
    assert row["started_at"] == "2026-02-01 23:58:00"
    assert row["wait_seconds"] == "40,5"
    assert row["phone__hash"]
    assert row["email__hash"] is None


def test_legs_without_a_start_or_with_a_broken_one_are_quarantined(land_files):
    raw = land_files(
        "call_centre",
        {
            "contacts_202602.csv": HEADER
            + CALL
            + CALL.replace("C1", "C2").replace("2026-02-01 23:58:00", "")
            + CALL.replace("C1", "C3").replace("2026-02-01 23:58:00", "yesterday")
        },
    )

    assert [row["contact_ref"] for row in raw.rows("call_centre", "contacts")] == ["C1"]
    assert [(row["line"], row["reason_code"]) for row in raw.quarantined()] == [
        (3, "blank_value"),
        (4, "not_a_timestamp"),
    ]


def test_a_file_with_another_column_order_and_a_column_less_lands(land_files):
    raw = land_files(
        "call_centre",
        {
            "contacts_202602.csv": "started_at;Channel;Contact Ref\n2026-02-01 10:00:00;ivr;C9\n",
        },
    )

    (row,) = raw.rows("call_centre", "contacts")
    assert (row["contact_ref"], row["channel"], row["queue"]) == ("C9", "ivr", None)
