from __future__ import annotations

# The Data Export service quotes every field and names fields in PascalCase.
CONTACTS = """\
"Id","IsDeleted","MasterRecordId","AccountId","LastName","FirstName","MailingCity","Email",\
"MobilePhone","HasOptedOutOfEmail","CreatedDate","LastModifiedDate","Loyalty_Id__c","Shoe_Size__c"
"003A","false","","001A","Mäkelä","Liisa","Jyväskylä","liisa@posti.example","040 7654321",\
"false","2026-01-02T10:00:00.000Z","2026-01-03T10:00:00.000Z","L7","38"
"003B","true","003A","","Mäkelä","L.","","liisa@posti.example","","true",\
"2026-01-01T10:00:00.000Z","2026-01-03T10:00:00.000Z","",""
"""


def test_the_data_export_lands_under_snake_case_names(land_files):
    raw = land_files("salesforce", {"Contact.csv": CONTACTS})

    first, second = raw.rows("salesforce", "contacts")
    assert first["id"] == "003A"
    assert first["mailing_city"] == "Jyväskylä"
    assert first["loyalty_id__c"] == "L7"
    assert first["_extra"] == '{"Shoe_Size__c":"38"}'
    assert second["master_record_id"] == "003A"
    assert first["email__hash"] == second["email__hash"]
    assert first["mobile_phone__hash"]


def test_an_export_in_latin_1_lands_with_its_letters(land_files):
    raw = land_files("salesforce", {"Contact.csv": CONTACTS.encode("iso-8859-1")})

    assert raw.rows("salesforce", "contacts")[0]["last_name"] == "Mäkelä"


def test_a_file_without_its_id_column_fails_alone_and_by_name(land_files):
    raw = land_files(
        "salesforce",
        {"Contact.csv": CONTACTS, "Lead.csv": '"LastName","Email"\n"Niemi","n@posti.example"\n'},
    )

    manifest = raw.manifest()
    assert manifest["Contact.csv"]["status"] == "loaded"
    assert manifest["Lead.csv"]["status"] == "failed"
    assert "id" in manifest["Lead.csv"]["error"]
    assert raw.rows("salesforce", "leads") == []


def test_an_amount_that_is_no_number_is_quarantined(land_files):
    raw = land_files(
        "salesforce",
        {
            "Opportunity.csv": "Id,AccountId,Amount,CloseDate,IsClosed,IsWon\n"
            "006A,001A,1200.50,2026-02-01,true,true\n"
            "006B,001A,a lot,2026-02-01,true,true\n"
        },
    )

    assert [row["id"] for row in raw.rows("salesforce", "opportunities")] == ["006A"]
    assert [(row["line"], row["column_name"]) for row in raw.quarantined()] == [(3, "amount")]


def test_a_loaders_table_lands_with_its_history_columns(land_files):
    raw = land_files(
        "salesforce",
        {
            "sf_account_data.csv": "_fivetran_synced,id,name,is_deleted,_fivetran_active\n"
            "2026-01-01 10:00:00,001A,Before Oy,false,false\n"
            "2026-01-02 10:00:00,001A,After Oy,false,true\n"
        },
        layout="fivetran",
    )

    rows = raw.rows("salesforce", "accounts")
    assert [row["_fivetran_active"] for row in rows] == ["false", "true"]
    assert len({row["_row_id"] for row in rows}) == 2
