from __future__ import annotations

import json

TICKET = {
    "id": 35436,
    "via": {"channel": "native_messaging", "source": {"from": {}, "to": {}, "rel": None}},
    "subject": "Paketti hukassa",
    "description": "Missä pakettini on?\nTerveisin Aino",
    "priority": "high",
    "status": "solved",
    "requester_id": 20978392,
    "assignee_id": 235323,
    "group_id": 98738,
    "tags": ["delivery", "topic_delivery"],
    "custom_fields": [{"id": 27642, "value": "delivery"}, {"id": 27648, "value": None}],
    "created_at": "2026-02-01T10:00:00Z",
    "updated_at": "2026-02-03T10:00:00Z",
}
COMMENT = {
    "id": 1274,
    "ticket_id": 35436,
    "author_id": 235323,
    "public": True,
    "type": "Comment",
    "body": "Tutkimme asiaa.",
    "via": {"channel": "web"},
    "created_at": "2026-02-01T12:30:00Z",
}


def test_a_ticket_keeps_its_lists_as_json_and_its_channel_as_a_column(land_files):
    raw = land_files("zendesk", {"tickets.jsonl": [TICKET]})

    (row,) = raw.rows("zendesk", "tickets")
    assert row["id"] == "35436"
    assert row["via_channel"] == "native_messaging"
    assert json.loads(row["custom_fields"]) == TICKET["custom_fields"]
    assert json.loads(row["tags"]) == TICKET["tags"]
    assert row["description"] == TICKET["description"]


def test_a_page_of_the_api_is_unwrapped(land_files):
    page = {"tickets": [TICKET], "next_page": None, "count": 1}

    raw = land_files("zendesk", {"tickets.json": json.dumps(page)})

    assert [row["id"] for row in raw.rows("zendesk", "tickets")] == ["35436"]


def test_a_comment_without_its_ticket_is_quarantined(land_files):
    orphan = {**COMMENT, "id": 1275, "ticket_id": None}

    raw = land_files("zendesk", {"ticket_comments.jsonl": [COMMENT, orphan]})

    assert [row["id"] for row in raw.rows("zendesk", "ticket_comments")] == ["1274"]
    (rejected,) = raw.quarantined()
    assert (rejected["line"], rejected["column_name"]) == (2, "ticket_id")
    assert "Tutkimme" not in rejected["reason"]


def test_users_get_hashes_and_ratings_land(land_files):
    raw = land_files(
        "zendesk",
        {
            "users.jsonl": [
                {
                    "id": 20978392,
                    "name": "Aino Virtanen",
                    "email": "aino.virtanen@posti.example",
                    "phone": "+358 40 123 4567",
                    "role": "end-user",
                    "created_at": "2026-01-01T00:00:00Z",
                }
            ],
            "satisfaction_ratings.jsonl": [
                {
                    "id": 62,
                    "ticket_id": 35436,
                    "requester_id": 20978392,
                    "score": "good",
                    "comment": "Kiitos!",
                    "created_at": "2026-02-03T11:00:00Z",
                    "updated_at": "2026-02-03T12:00:00Z",
                }
            ],
        },
    )

    (user,) = raw.rows("zendesk", "users")
    assert user["email__hash"]
    assert user["phone__hash"]
    (rating,) = raw.rows("zendesk", "satisfaction_ratings")
    assert (rating["score"], rating["comment"]) == ("good", "Kiitos!")


def test_a_loaders_names_land_under_those_of_the_api(land_files):
    raw = land_files(
        "zendesk",
        {
            "ticket_comment.csv": "id,_fivetran_synced,body,created,public,ticket_id,user_id\n"
            "1274,2026-02-02 00:00:00,body,2026-02-01 12:30:00,TRUE,35436,235323\n"
        },
        layout="fivetran",
    )

    (row,) = raw.rows("zendesk", "ticket_comments")
    assert (row["author_id"], row["created_at"]) == ("235323", "2026-02-01 12:30:00")
