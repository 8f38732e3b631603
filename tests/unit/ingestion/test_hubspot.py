from __future__ import annotations

import json

CONTACT = {
    "id": "501",
    "properties": {
        "email": "Aino.Virtanen@Posti.example",
        "phone": "040 123 4567",
        "firstname": "Aino",
        "lifecyclestage": "customer",
        "createdate": "2026-01-05T08:30:00.120Z",
        "lastmodifieddate": "2026-02-01T09:00:00Z",
        "loyalty_id": "L0001",
        "hs_merged_object_ids": "502;503",
        "favourite_colour": "blue",
    },
    "createdAt": "2026-01-05T08:30:00.120Z",
    "updatedAt": "2026-02-01T09:00:00Z",
    "archived": False,
    "associations": {"companies": {"results": [{"id": "9", "type": "contact_to_company"}]}},
}


def test_properties_are_lifted_to_columns_and_kept_whole(land_files):
    raw = land_files("hubspot", {"contacts.jsonl": [CONTACT]})

    (row,) = raw.rows("hubspot", "contacts")
    assert row["id"] == "501"
    assert row["loyalty_id"] == "L0001"
    assert row["createdate"] == "2026-01-05T08:30:00.120Z"
    assert json.loads(row["properties"]) == CONTACT["properties"]
    assert json.loads(row["associations"]) == CONTACT["associations"]
    assert row["archived"] == "false"


def test_the_same_person_has_the_same_hashes_however_the_address_is_written(land_files):
    other = {
        **CONTACT,
        "id": "502",
        "properties": {"email": " aino.virtanen@posti.example", "phone": "+358401234567"},
    }

    first, second = land_files("hubspot", {"contacts.jsonl": [CONTACT, other]}).rows(
        "hubspot", "contacts"
    )

    assert first["email__hash"] == second["email__hash"]
    assert first["phone__hash"] == second["phone__hash"]
    assert len(first["email__hash"]) == 32
    assert first["email__hash"] != first["phone__hash"]


def test_a_page_as_the_api_returns_it_lands_like_lines(land_files):
    raw = land_files("hubspot", {"contacts.json": json.dumps({"results": [CONTACT]})})

    assert [row["id"] for row in raw.rows("hubspot", "contacts")] == ["501"]


def test_records_that_break_a_rule_are_quarantined_and_the_rest_lands(land_files):
    nameless = {**CONTACT, "id": None}
    undated = {**CONTACT, "id": "504", "properties": {"createdate": "last spring"}}

    raw = land_files("hubspot", {"contacts.jsonl": [nameless, CONTACT, undated]})

    assert [row["id"] for row in raw.rows("hubspot", "contacts")] == ["501"]
    assert [(row["line"], row["column_name"]) for row in raw.quarantined()] == [
        (1, "id"),
        (3, "createdate"),
    ]


def test_a_merge_audit_is_read_with_the_hyphens_of_the_api(land_files):
    raw = land_files(
        "hubspot",
        {
            "contact_merge_audit.jsonl": [
                {"canonical-vid": 501, "vid-to-merge": 502, "timestamp": 1769940000000}
            ]
        },
    )

    (row,) = raw.rows("hubspot", "contact_merge_audit")
    assert (row["canonical_vid"], row["vid_to_merge"], row["timestamp"]) == (
        "501",
        "502",
        "1769940000000",
    )


def test_email_events_are_partitioned_by_their_own_day_and_name_their_message(land_files):
    raw = land_files(
        "hubspot",
        {
            "email_events.jsonl": [
                {
                    "id": "e1",
                    "created": 1769940000000,
                    "type": "OPEN",
                    "recipient": "aino.virtanen@posti.example",
                    "emailCampaignId": 77,
                    "sentBy": {"id": "e0", "created": 1769936400000},
                    "filteredEvent": False,
                }
            ]
        },
    )

    (row,) = raw.rows("hubspot", "email_events")
    assert str(row["dt"]) == "2026-02-01"
    assert row["sentBy_id"] == "e0"
    assert row["recipient__hash"]


LOADER_CONTACTS = """\
_fivetran_deleted,property_email,id,property_createdate,property_hs_merged_object_ids,property_odd
FALSE,fcb67ef339b691956cc85fa12be6490c,501,2026-01-05 08:30:00,502;503,x
FALSE,d41d8cd98f00b204e9800998ecf8427e,502,2026-01-05 08:30:00,,
"""


def test_a_loaders_columns_land_under_the_property_names(land_files):
    raw = land_files("hubspot", {"contact.csv": LOADER_CONTACTS}, layout="fivetran")

    first, second = raw.rows("hubspot", "contacts")
    assert first["email"] == "fcb67ef339b691956cc85fa12be6490c"
    assert first["hs_merged_object_ids"] == "502;503"
    assert first["archived"] == "FALSE"
    assert json.loads(first["_extra"]) == {"property_odd": "x"}
    assert raw.quarantined() == []
    assert second["_extra"] is None


def test_a_digest_in_place_of_an_address_identifies_a_digest_of_nothing_does_not(land_files):
    raw = land_files("hubspot", {"contact.csv": LOADER_CONTACTS}, layout="fivetran")

    first, blank = raw.rows("hubspot", "contacts")
    assert first["email__hash"]
    assert first["email__hash"] != first["email"]
    assert blank["email__hash"] is None


def test_other_tables_of_the_loader_are_not_taken_for_contacts(land_files):
    raw = land_files(
        "hubspot",
        {
            "contact.csv": LOADER_CONTACTS,
            "contact_list.csv": "id,name\n1,all\n",
            "deal_contact.csv": "contact_id,deal_id,type_id,category\n501,9,3,HUBSPOT_DEFINED\n",
        },
        layout="fivetran",
    )

    assert len(raw.rows("hubspot", "contacts")) == 2
    assert len(raw.rows("hubspot", "deal_contacts")) == 1
    assert "contact_list.csv" not in raw.manifest()
