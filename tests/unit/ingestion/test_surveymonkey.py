"""SurveyMonkey's pages of bulk responses and the details that explain them."""

import json

BULK = {
    "data": [
        {
            "id": "9",
            "survey_id": "400100200",
            "recipient_id": "",
            "response_status": "completed",
            "email_address": "",
            "custom_variables": {"order_ref": "1001"},
            "date_created": "2026-03-01T10:00:00+00:00",
            "date_modified": "2026-03-01T10:01:00+00:00",
            "pages": [{"id": "1", "questions": [{"id": "2", "answers": [{"text": "Hyvä"}]}]}],
        }
    ],
    "per_page": 100,
    "page": 1,
    "total": 1,
}
DETAILS = {"id": "400100200", "title": "Verkkokauppa", "language": "fi", "pages": [{"id": "1"}]}


def test_responses_and_details_land_in_their_tables(land_export):
    landed = land_export(
        "surveymonkey",
        {
            "responses_bulk_1.json": json.dumps(BULK),
            "survey_details_400100200.json": json.dumps(DETAILS, indent=2),
        },
    )

    [(response, pages, email_hash)] = landed.rows(
        "surveymonkey", "responses", "id", "pages", "email_address__hash"
    )
    assert response == "9"
    assert json.loads(pages) == BULK["data"][0]["pages"]
    assert email_hash is None
    assert landed.rows("surveymonkey", "survey_details", "id", "language") == [("400100200", "fi")]


def test_page_without_responses_lands_nothing_and_is_no_failure(land_export):
    landed = land_export("surveymonkey", {"responses_bulk_2.json": json.dumps({"data": []})})

    assert landed.rows("surveymonkey", "responses", "id") == []
    assert [batch.status for batch in landed.batches] == ["loaded"]
