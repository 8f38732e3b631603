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


def test_second_and_third_header_rows_are_no_responses(land_export):
    landed = land_export("qualtrics", {"responses_SV_brand.csv": CSV})

    [(response, status, duration, extra)] = landed.rows(
        "qualtrics", "responses", "ResponseId", "Status", "Duration_in_seconds", "_extra"
    )
    assert (response, status, duration) == ("R_1", "IP Address", "120")
    assert json.loads(extra) == {"QID1": "9", "QID3_TEXT": "Helppoa"}
    assert landed.quarantined() == []


def test_json_export_fills_the_same_columns(land_export):
    landed = land_export(
        "qualtrics",
        {"responses_SV_brand.csv": CSV, "responses_SV_brand_2.json": json.dumps(JSON)},
    )

    csv_row, json_row = landed.rows(
        "qualtrics",
        "responses",
        "ResponseId",
        "Finished",
        "UserLanguage",
        "RecipientEmail__hash",
        "response_values",
        "labels",
    )
    assert csv_row[:3] == ("R_1", "True", "FI")
    assert json_row[:3] == ("R_2", "1", "FI")
    assert csv_row[3] == json_row[3]
    assert csv_row[3] is not None
    assert json.loads(json_row[4])["QID1"] == 7
    assert json.loads(json_row[5])["QID1"] == "7 - Melko todennäköisesti"


def test_distribution_history_lands_its_elements(land_export):
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
    landed = land_export("qualtrics", {"distribution_history_SV_brand.json": json.dumps(history)})

    assert landed.rows("qualtrics", "distribution_history", "contactId", "status") == [
        ("CID_1", "Survey Finished"),
        ("CID_2", "Email Bounced"),
    ]
