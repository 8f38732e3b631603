"""Salesforce: CSV as the Data Export service or Data Loader writes it, or a loader's tables.

Salesforce names fields in PascalCase (``AccountId``, ``Loyalty_Id__c``); the raw zone uses the
snake case of the same name, which matching treats as equal, as it does a loader's ``account_id``
and ``loyalty_id_c``.
"""

from __future__ import annotations

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec


def _files(singular: str) -> tuple[FileRule, ...]:
    """Say where an object is found.

    Args:
        singular: The object's API name in lower case.

    Returns:
        The rules for the Data Export and for a loader.
    """
    plural = singular[:-1] + "ies" if singular.endswith("y") else singular + "s"
    names = (singular.capitalize(), singular, f"{plural}*")
    return (
        FileRule("native", tuple(f"{name}.csv" for name in names), "csv"),
        FileRule(
            "fivetran",
            (f"{singular}.csv", f"sf_{singular}.csv", f"sf_{singular}_data.csv"),
            "csv",
            {"delimiter": ","},
        ),
    )


_ID = Column("id", required=True, not_null=True, description="Id: 15 or 18 characters.")
_SYSTEM_COLUMNS = (
    Column("is_deleted", kind="boolean", description="IsDeleted: in the recycle bin."),
    Column("created_date", kind="timestamp", description="CreatedDate (UTC)."),
    Column("last_modified_date", kind="timestamp", description="LastModifiedDate (UTC)."),
    Column("system_modstamp", kind="timestamp", description="SystemModstamp (UTC)."),
    Column("_fivetran_synced", kind="timestamp", description="When the loader read the row."),
    Column(
        "_fivetran_active",
        kind="boolean",
        description="History mode of the loader: whether this version is the current one.",
    ),
    Column("_fivetran_deleted", kind="boolean", description="The loader saw the record disappear."),
)
_PERSON_COLUMNS = (
    Column("first_name", description="FirstName."),
    Column("last_name", description="LastName."),
    Column("email", identifier="email", description="Email."),
    Column("phone", identifier="phone", description="Phone."),
    Column("mobile_phone", identifier="phone", description="MobilePhone."),
    Column("has_opted_out_of_email", kind="boolean", description="HasOptedOutOfEmail."),
    Column("lead_source", description="LeadSource."),
    Column(
        "loyalty_id__c",
        aliases=("loyalty_id",),
        description="Custom Loyalty_Id__c: number of the loyalty card.",
    ),
    Column(
        "web_user_id__c",
        aliases=("web_user_id",),
        description="Custom Web_User_Id__c: user id that the web shop logs in with.",
    ),
    Column(
        "web_client_id__c",
        aliases=("web_client_id",),
        description="Custom Web_Client_Id__c: web analytics client id captured by a form.",
    ),
    Column("persona__c", aliases=("persona",), description="Custom Persona__c."),
    Column(
        "email_opt_in__c",
        aliases=("email_opt_in",),
        description="Custom Email_Opt_In__c: consent to e-mail marketing.",
    ),
    Column("sms_opt_in__c", aliases=("sms_opt_in",), description="Custom SMS_Opt_In__c."),
)

CONTACTS = TableSpec(
    name="contacts",
    people=People(
        identifies={
            "id": "contact_id",
            "master_record_id": "contact_id",
            "loyalty_id__c": "loyalty_id",
            "web_user_id__c": "user_id",
            "web_client_id__c": "client_id",
        },
        details=(
            "first_name",
            "last_name",
            "birthdate",
            "mailing_street",
            "mailing_city",
            "mailing_postal_code",
        ),
    ),
    columns=(
        _ID,
        Column("account_id", description="AccountId."),
        Column("master_record_id", description="MasterRecordId: contact this was merged into."),
        *_PERSON_COLUMNS,
        Column("birthdate", description="Birthdate."),
        Column("mailing_street", description="MailingStreet."),
        Column("mailing_city", description="MailingCity."),
        Column("mailing_postal_code", description="MailingPostalCode."),
        Column("mailing_country", description="MailingCountry."),
        *_SYSTEM_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_files("contact"),
    description="One row per contact and delivery.",
)

LEADS = TableSpec(
    name="leads",
    people=People(
        identifies={
            "id": "contact_id",
            "master_record_id": "contact_id",
            "converted_contact_id": "contact_id",
            "converted_opportunity_id": "deal",
            "loyalty_id__c": "loyalty_id",
            "web_user_id__c": "user_id",
            "web_client_id__c": "client_id",
        },
        details=(
            "first_name",
            "last_name",
            "street",
            "city",
            "postal_code",
        ),
    ),
    columns=(
        _ID,
        Column("master_record_id", description="MasterRecordId: lead this was merged into."),
        *_PERSON_COLUMNS,
        Column("company", description="Company."),
        Column("status", description="Status."),
        Column("street", description="Street."),
        Column("city", description="City."),
        Column("postal_code", description="PostalCode."),
        Column("country", description="Country."),
        Column("is_converted", kind="boolean", description="IsConverted."),
        Column("converted_date", kind="date", description="ConvertedDate."),
        Column("converted_contact_id", description="ConvertedContactId: contact it became."),
        Column("converted_account_id", description="ConvertedAccountId."),
        Column("converted_opportunity_id", description="ConvertedOpportunityId."),
        *_SYSTEM_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_files("lead"),
    description="One row per lead and delivery.",
)

ACCOUNTS = TableSpec(
    name="accounts",
    columns=(
        _ID,
        Column("name", description="Name."),
        Column("industry", description="Industry."),
        Column("type", description="Type."),
        Column("billing_city", description="BillingCity."),
        Column("billing_country", description="BillingCountry."),
        Column("master_record_id", description="MasterRecordId: account this was merged into."),
        *_SYSTEM_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_files("account"),
    description="One row per account and delivery.",
)

OPPORTUNITIES = TableSpec(
    name="opportunities",
    people=People(
        identifies={"id": "deal", "contact_id": "contact_id"}, details=("name",), records=("deal",)
    ),
    columns=(
        _ID,
        Column("account_id", description="AccountId."),
        Column("contact_id", description="ContactId: primary contact."),
        Column("name", description="Name."),
        Column("record_type_id", description="RecordTypeId: names the sales process."),
        Column("stage_name", description="StageName."),
        Column("amount", kind="number", description="Amount."),
        Column("currency_iso_code", description="CurrencyIsoCode, in organisations with several."),
        Column("close_date", kind="date", description="CloseDate: a business-local day."),
        Column("is_closed", kind="boolean", description="IsClosed."),
        Column("is_won", kind="boolean", description="IsWon."),
        *_SYSTEM_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_files("opportunity"),
    description="One row per opportunity and delivery.",
)

SPEC = VendorSpec(
    name="salesforce",
    family="crm",
    tables=(CONTACTS, LEADS, ACCOUNTS, OPPORTUNITIES),
    docs_url="https://help.salesforce.com/s/articleView?id=sf.admin_exportdata.htm",
    description="Salesforce contacts, leads, accounts and opportunities (Data Export CSV).",
)
