"""Qualtrics' CSV with three header rows, and its JSON export of the same fields."""

import json

IMPORT_IDS = (
    "startDate",
    "endDate",
    "status",
    "progress",
    "duration",
    "finished",
    "recordedDate",
    "_recordId",
    "recipientEmail",
    "externalDataReference",
    "distributionChannel",
    "userLanguage",
    "QID1",
    "QID3_TEXT",
)
CSV = (
    "StartDate,EndDate,Status,Progress,Duration (in seconds),Finished,RecordedDate,ResponseId,"
    "RecipientEmail,ExternalReference,DistributionChannel,UserLanguage,QID1,QID3_TEXT\n"
    "Start Date,End Date,Response Type,Progress,Duration (in seconds),Finished,Recorded Date,"
    "Response ID,Recipient Email,External Data Reference,Distribution Channel,User Language,"
    '"How likely are you to recommend us,\nto a friend?",Why?\n'
    + ",".join('"{""ImportId"":""' + name + '""}"' for name in IMPORT_IDS)
    + "\n2026-03-01 10:00:00,2026-03-01 10:02:00,IP Address,100,120,True,2026-03-01 10:02:01,R_1,"
    "aino@kauppa.example,c7,email,FI,9,Helppoa\n"
)
JSON = {
    "responses": [
        {
            "responseId": "R_2",
            "values": {
                "startDate": "2026-03-01T10:00:00Z",
                "endDate": "2026-03-01T10:02:00Z",
                "recordedDate": "2026-03-01T10:02:01Z",
                "status": 0,
                "finished": 1,
                "progress": 100,
                "duration": 120,
                "userLanguage": "FI",
                "recipientEmail": "AINO@kauppa.example",
                "QID1": 7,
            },
            "labels": {"QID1": "7 - Melko todennäköisesti", "status": "IP Address"},
            "displayedFields": ["QID1"],
        }
    ]
}


def test_second_and_third_header_rows_are_no_responses(land_files):
    raw = land_files("qualtrics", {"responses_SV_brand.csv": CSV})

    [row] = raw.rows("qualtrics", "responses")
    assert row["ResponseId"] == "R_1"
    assert row["Status"] == "IP Address"
    assert row["Duration_in_seconds"] == "120"
    assert json.loads(row["_extra"]) == {"QID1": "9", "QID3_TEXT": "Helppoa"}
    assert raw.quarantined() == []


def test_json_export_fills_the_same_columns(land_files):
    raw = land_files(
        "qualtrics",
        {"responses_SV_brand.csv": CSV, "responses_SV_brand_2.json": json.dumps(JSON)},
    )

    from_csv, from_json = raw.rows("qualtrics", "responses", order_by="ResponseId")
    shared = ("ResponseId", "Finished", "UserLanguage")
    assert [from_csv[column] for column in shared] == ["R_1", "True", "FI"]
    assert [from_json[column] for column in shared] == ["R_2", "1", "FI"]
    assert from_csv["RecipientEmail__hash"] is not None
    assert from_csv["RecipientEmail__hash"] == from_json["RecipientEmail__hash"]
    assert json.loads(from_json["response_values"])["QID1"] == 7
    assert json.loads(from_json["labels"])["QID1"] == "7 - Melko todennäköisesti"


def test_distribution_history_lands_its_elements(land_files):
    history = {
        "result": {
            "elements": [
                {
                    "contactId": "CID_1",
                    "distributionId": "EMD_1",
                    "status": "Survey Finished",
                    "responseId": "R_1",
                    "sentAt": "2026-02-28T08:00:00Z",
                },
                {
                    "contactId": "CID_2",
                    "distributionId": "EMD_1",
                    "status": "Email Bounced",
                    "responseId": None,
                    "sentAt": "2026-02-28T08:00:00Z",
                },
            ]
        },
        "meta": {"httpStatus": "200 - OK"},
    }
    raw = land_files("qualtrics", {"distribution_history_SV_brand.json": json.dumps(history)})

    assert [
        (row["contactId"], row["status"]) for row in raw.rows("qualtrics", "distribution_history")
    ] == [
        ("CID_1", "Survey Finished"),
        ("CID_2", "Email Bounced"),
    ]
