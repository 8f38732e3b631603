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


def test_responses_and_details_land_in_their_tables(land_files):
    raw = land_files(
        "surveymonkey",
        {
            "responses_bulk_1.json": json.dumps(BULK),
            "survey_details_400100200.json": json.dumps(DETAILS, indent=2),
        },
    )

    [row] = raw.rows("surveymonkey", "responses")
    assert row["id"] == "9"
    assert json.loads(row["pages"]) == BULK["data"][0]["pages"]
    assert json.loads(row["custom_variables"]) == {"order_ref": "1001"}
    assert row["email_address__hash"] is None
    assert [(row["id"], row["language"]) for row in raw.rows("surveymonkey", "survey_details")] == [
        ("400100200", "fi")
    ]


def test_page_without_responses_lands_nothing_and_is_no_failure(land_files):
    raw = land_files("surveymonkey", {"responses_bulk_2.json": json.dumps({"data": []})})

    assert raw.rows("surveymonkey", "responses") == []
    assert raw.manifest()["responses_bulk_2.json"]["status"] == "loaded"
