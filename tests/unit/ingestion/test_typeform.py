"""Typeform's webhook payloads and Responses API pages land in one table."""

import json

RESPONSE = {
    "form_id": "service",
    "token": "t1",
    "raw_at": "2026-03-01T10:00:00Z",
    "submitted_at": "2026-03-01T10:01:00Z",
    "hidden": {"email": "aino@kauppa.example", "user_id": "u7"},
    "definition": {"id": "service", "fields": []},
    "answers": [{"type": "number", "number": 5, "field": {"id": "1", "ref": "csat"}}],
}
WEBHOOK = {"event_id": "e1", "event_type": "form_response", "form_response": RESPONSE}


def test_every_line_of_saved_webhooks_is_a_response(land_files):
    second = {**WEBHOOK, "form_response": {**RESPONSE, "token": "t2", "hidden": None}}
    raw = land_files(
        "typeform", {"responses.jsonl": json.dumps(WEBHOOK) + "\n" + json.dumps(second) + "\n"}
    )

    first, second = raw.rows("typeform", "responses")
    assert [first["token"], second["token"]] == ["t1", "t2"]
    assert [first["form_id"], second["form_id"]] == ["service", "service"]
    assert json.loads(first["answers"]) == RESPONSE["answers"]
    assert json.loads(first["hidden"]) == RESPONSE["hidden"]
    assert first["email__hash"] is not None
    assert second["email__hash"] is None


def test_api_page_lands_its_items_under_the_name_of_its_form(land_files):
    item = {key: value for key, value in RESPONSE.items() if key not in ("form_id", "definition")}
    page = {"total_items": 1, "page_count": 1, "items": [item]}
    raw = land_files("typeform", {"responses_service.json": json.dumps(page)})

    assert [
        (row["token"], row["form_id"], row["_source_file"])
        for row in raw.rows("typeform", "responses")
    ] == [("t1", None, "responses_service.json")]


def test_single_webhook_is_a_file_of_one_response(land_files):
    raw = land_files("typeform", {"service_webhook.json": json.dumps(WEBHOOK, indent=1)})

    assert [(row["token"], row["submitted_at"]) for row in raw.rows("typeform", "responses")] == [
        ("t1", "2026-03-01T10:01:00Z")
    ]


def test_line_that_is_no_json_goes_to_quarantine(land_files):
    raw = land_files("typeform", {"responses.jsonl": json.dumps(WEBHOOK) + "\n{broken\n"})

    assert [row["token"] for row in raw.rows("typeform", "responses")] == ["t1"]
    assert [row["line"] for row in raw.quarantined()] == [2]
