"""Typeform's webhook payloads and Responses API pages land in one table."""

import json

RESPONSE = {
    "form_id": "service",
    "token": "t1",
    "landed_at": "2026-03-01T10:00:00Z",
    "submitted_at": "2026-03-01T10:01:00Z",
    "hidden": {"email": "aino@kauppa.example", "user_id": "u7"},
    "definition": {"id": "service", "fields": []},
    "answers": [{"type": "number", "number": 5, "field": {"id": "1", "ref": "csat"}}],
}
WEBHOOK = {"event_id": "e1", "event_type": "form_response", "form_response": RESPONSE}


def test_every_line_of_saved_webhooks_is_a_response(land_export):
    second = {**WEBHOOK, "form_response": {**RESPONSE, "token": "t2", "hidden": None}}
    landed = land_export(
        "typeform", {"responses.jsonl": json.dumps(WEBHOOK) + "\n" + json.dumps(second) + "\n"}
    )

    rows = landed.rows("typeform", "responses", "token", "form_id", "answers", "email__hash")
    assert [row[:2] for row in rows] == [("t1", "service"), ("t2", "service")]
    assert json.loads(rows[0][2]) == RESPONSE["answers"]
    assert rows[0][3] is not None
    assert rows[1][3] is None


def test_api_page_lands_its_items_under_the_name_of_its_form(land_export):
    item = {key: value for key, value in RESPONSE.items() if key not in ("form_id", "definition")}
    page = {"total_items": 1, "page_count": 1, "items": [item]}
    landed = land_export("typeform", {"responses_service.json": json.dumps(page)})

    assert landed.rows("typeform", "responses", "token", "form_id", "_source_file") == [
        ("t1", None, "responses_service.json")
    ]


def test_single_webhook_is_a_file_of_one_response(land_export):
    landed = land_export("typeform", {"service_webhook.json": json.dumps(WEBHOOK, indent=1)})

    assert landed.rows("typeform", "responses", "token", "submitted_at") == [
        ("t1", "2026-03-01T10:01:00Z")
    ]


def test_line_that_is_no_json_goes_to_quarantine(land_export):
    landed = land_export("typeform", {"responses.jsonl": json.dumps(WEBHOOK) + "\n{broken\n"})

    assert landed.rows("typeform", "responses", "token") == [("t1",)]
    assert [(table, line) for table, line, *_ in landed.quarantined()] == [("responses", 2)]
