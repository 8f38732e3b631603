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


def test_question_columns_land_in_extra_in_finnish_letters(land_export):
    content = (HEADER + ROWS).encode("iso-8859-1")
    landed = land_export("questback", {"responses_purchase.csv": content})

    first, second = landed.rows("questback", "responses", "respondent_id", "_extra")
    assert json.loads(first[1]) == {
        "nps": "10 - Erittäin todennäköisesti",
        "ctt_emotion_checkout": "ilahtunut",
        "open_text": "Tämä oli hyvä",
    }
    assert json.loads(second[1]) == {"nps": "7"}


def test_surveys_with_other_questions_share_the_table(land_export):
    other = (
        "respondent_id;survey_id;started_at;womi_recommend;exq_01\n"
        "1;relationship;2026-03-02 09:00:00;9;6\n"
    )
    landed = land_export(
        "questback",
        {"responses_purchase.csv": HEADER + ROWS, "responses_relationship.csv": other},
    )

    rows = landed.rows("questback", "responses", "survey_id", "respondent_id")
    assert rows == [("purchase", "1"), ("purchase", "2"), ("relationship", "1")]


def test_names_and_addresses_are_declared_so_that_they_are_never_taken_for_answers(land_export):
    personal = (
        "Respondent ID;Quest ID;e-mail;Etunimi;Sukunimi;IP;started_at;nps\n"
        "1;purchase;aino@kauppa.example;Aino;Virtanen;192.0.2.1;2026-03-01 12:00:00;9\n"
    )
    landed = land_export("questback", {"responses_purchase.csv": personal})

    [(respondent, email_hash, extra)] = landed.rows(
        "questback", "responses", "respondent_id", "email__hash", "_extra"
    )
    assert respondent == "1"
    assert email_hash is not None
    assert json.loads(extra) == {"nps": "9"}


def test_invitations_land_beside_responses(land_export):
    invitations = (
        "invitation_id;survey_id;email;channel;sent_at;delivery_status\n"
        "I1;purchase;aino@kauppa.example;email;2026-02-28 09:00:00;delivered\n"
        "I2;purchase;bo@kauppa.example;email;;bounced\n"
    )
    landed = land_export("questback", {"invitations_purchase.csv": invitations})

    assert landed.rows("questback", "invitations", "invitation_id") == [("I1",)]
    assert landed.quarantined() == [("invitations", 3, "sent_at", "blank_value")]
