"""Questback's wide CSV: declared background columns, question columns in _extra."""

import json

HEADER = (
    "respondent_id;survey_id;email;channel;language;status;started_at;completed_at;"
    "nps;ctt_emotion_checkout;open_text\n"
)
ROWS = (
    "1;purchase;aino@kauppa.example;email;fi;complete;2026-03-01 12:00:00;2026-03-01 12:05:00;"
    "10 - Erittäin todennäköisesti;ilahtunut;Tämä oli hyvä\n"
    "2;purchase;;email;fi;partial;2026-03-01 13:00:00;;7;;\n"
)


def test_question_columns_land_in_extra_in_finnish_letters(land_files):
    content = (HEADER + ROWS).encode("iso-8859-1")
    raw = land_files("questback", {"responses_purchase.csv": content})

    first, second = raw.rows("questback", "responses")
    assert json.loads(first["_extra"]) == {
        "nps": "10 - Erittäin todennäköisesti",
        "ctt_emotion_checkout": "ilahtunut",
        "open_text": "Tämä oli hyvä",
    }
    assert json.loads(second["_extra"]) == {"nps": "7"}


def test_surveys_with_other_questions_share_the_table(land_files):
    other = (
        "respondent_id;survey_id;started_at;womi_recommend;exq_01\n"
        "1;relationship;2026-03-02 09:00:00;9;6\n"
    )
    raw = land_files(
        "questback",
        {"responses_purchase.csv": HEADER + ROWS, "responses_relationship.csv": other},
    )

    rows = raw.rows("questback", "responses", order_by="survey_id, respondent_id")
    assert [(row["survey_id"], row["respondent_id"]) for row in rows] == [
        ("purchase", "1"),
        ("purchase", "2"),
        ("relationship", "1"),
    ]


def test_names_and_addresses_are_declared_so_that_they_are_never_taken_for_answers(land_files):
    personal = (
        "Respondent ID;Quest ID;e-mail;Etunimi;Sukunimi;IP;started_at;nps\n"
        "1;purchase;aino@kauppa.example;Aino;Virtanen;192.0.2.1;2026-03-01 12:00:00;9\n"
    )
    raw = land_files("questback", {"responses_purchase.csv": personal})

    [row] = raw.rows("questback", "responses")
    assert row["respondent_id"] == "1"
    assert row["email__hash"] is not None
    assert json.loads(row["_extra"]) == {"nps": "9"}


def test_invitations_land_beside_responses(land_files):
    invitations = (
        "invitation_id;survey_id;email;channel;sent_at;delivery_status\n"
        "I1;purchase;aino@kauppa.example;email;2026-02-28 09:00:00;delivered\n"
        "I2;purchase;bo@kauppa.example;email;;bounced\n"
    )
    raw = land_files("questback", {"invitations_purchase.csv": invitations})

    assert [row["invitation_id"] for row in raw.rows("questback", "invitations")] == ["I1"]
    assert [(row["line"], row["column_name"], row["reason_code"]) for row in raw.quarantined()] == [
        (3, "sent_at", "blank_value")
    ]
