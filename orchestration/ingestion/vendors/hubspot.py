"""HubSpot: CRM objects as API v3 returns them, e-mail events as API v1 does, or a loader's tables.

Native files hold one API object a line ({id, properties, createdAt, updatedAt, archived,
associations}); ``properties`` stays whole as JSON text, and the properties that staging reads or
that landing hashes are lifted to columns of their own. The loader layout ("fivetran") has the same
properties as ``property_<name>`` columns, associations as tables of their own.
"""

from __future__ import annotations

from orchestration.ingestion.specs import (
    Column,
    ColumnKind,
    FileRule,
    IdentifierKind,
    People,
    TableSpec,
    VendorSpec,
)


def _property(
    name: str,
    description: str,
    kind: ColumnKind = "text",
    identifier: IdentifierKind | None = None,
) -> Column:
    """Declare a CRM property: nested under ``properties`` natively, prefixed by a loader.

    Args:
        name: Internal name of the property.
        description: What it holds.
        kind: What its text must parse as.
        identifier: Whether it is hashed, and how it is normalised.

    Returns:
        The column, named by the property.
    """
    return Column(
        name,
        kind=kind,
        identifier=identifier,
        aliases=(f"property_{name}",),
        path=f"$.properties.{name}",
        description=description,
    )


def _object_files(plural: str, *loader_names: str) -> tuple[FileRule, ...]:
    """Say where a CRM object is found: JSON lines, an API page, or a loader's CSV.

    Args:
        plural: The API's name of the object.
        loader_names: File names that loaders give the table.

    Returns:
        One rule per way of delivery.
    """
    return (
        FileRule("native", (f"{plural}*.jsonl", f"{plural}*.ndjson"), "jsonl"),
        FileRule("native", (f"{plural}*.json",), "json", {"records_path": "results"}),
        FileRule("fivetran", loader_names, "csv", {"delimiter": ","}),
    )


_OBJECT_COLUMNS = (
    Column(
        "properties",
        kind="json",
        path="$.properties",
        description="All delivered properties, as JSON text.",
    ),
    Column("createdAt", kind="timestamp", description="When the object was created (UTC)."),
    Column("updatedAt", kind="timestamp", description="When the object last changed (UTC)."),
    Column(
        "archived",
        kind="boolean",
        aliases=("_fivetran_deleted", "is_deleted"),
        description="Whether the object is deleted.",
    ),
    Column("associations", kind="json", description="Associated objects by type, as JSON text."),
    Column("_fivetran_synced", kind="timestamp", description="When the loader read the row."),
)

CONTACTS = TableSpec(
    name="contacts",
    people=People(
        identifies={
            "id": "contact_id",
            "hs_merged_object_ids": "contact_id*",
            "loyalty_id": "loyalty_id",
            "web_user_id": "user_id",
            "web_client_id": "client_id",
        },
        details=(
            "firstname",
            "lastname",
            "address",
            "zip",
            "city",
            "birth_year",
            "properties",
        ),
    ),
    columns=(
        Column("id", required=True, not_null=True, description="Contact id (vid)."),
        _property("email", "Primary e-mail address.", identifier="email"),
        _property("phone", "Phone number.", identifier="phone"),
        _property("mobilephone", "Mobile phone number.", identifier="phone"),
        _property("firstname", "First name."),
        _property("lastname", "Last name."),
        _property("address", "Street address."),
        _property("zip", "Postal code."),
        _property("city", "City."),
        _property("country", "Country or region."),
        _property("associatedcompanyid", "Id of the primary company."),
        _property("lifecyclestage", "Lifecycle stage: subscriber, lead, …, customer, evangelist."),
        _property("createdate", "When the contact was created (UTC).", kind="timestamp"),
        _property("lastmodifieddate", "When any property last changed (UTC).", kind="timestamp"),
        _property("hs_merged_object_ids", "Ids merged into this contact, separated by ';'."),
        _property("hs_email_optout", "Whether the contact opted out of all e-mail."),
        _property("loyalty_id", "Custom: number of the loyalty card."),
        _property("web_user_id", "Custom: user id that the web shop logs in with."),
        _property("web_client_id", "Custom: web analytics client id captured by a form."),
        _property("persona", "Custom: persona assigned in the CRM."),
        _property("email_opt_in", "Custom: consent to e-mail marketing."),
        _property("sms_opt_in", "Custom: consent to SMS marketing."),
        _property("birth_year", "Custom: year of birth."),
        *_OBJECT_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_object_files("contacts", "contact.csv", "contact_data.csv"),
    description="One row per contact and delivery.",
)

COMPANIES = TableSpec(
    name="companies",
    columns=(
        Column("id", required=True, not_null=True, description="Company id."),
        _property("name", "Company name."),
        _property("domain", "Web domain."),
        _property("industry", "Industry."),
        _property("city", "City."),
        _property("country", "Country or region."),
        _property("createdate", "When the company was created (UTC).", kind="timestamp"),
        _property("hs_lastmodifieddate", "When any property last changed (UTC).", kind="timestamp"),
        *_OBJECT_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_object_files("companies", "company.csv", "company_data.csv"),
    description="One row per company and delivery.",
)

DEALS = TableSpec(
    name="deals",
    people=People(
        identifies={"id": "deal", "associations$.contacts.results[*].id": "contact_id"},
        details=(
            "dealname",
            "properties",
        ),
        records=("deal",),
    ),
    columns=(
        Column("id", required=True, not_null=True, aliases=("deal_id",), description="Deal id."),
        _property("dealname", "Deal name."),
        Column(
            "pipeline",
            aliases=("property_pipeline", "deal_pipeline_id"),
            path="$.properties.pipeline",
            description="Id of the pipeline.",
        ),
        Column(
            "dealstage",
            aliases=("property_dealstage", "deal_pipeline_stage_id"),
            path="$.properties.dealstage",
            description="Id of the stage; closedwon and closedlost in the default pipeline.",
        ),
        _property("amount", "Amount in the deal's currency.", kind="number"),
        _property("deal_currency_code", "Currency of the amount."),
        _property("closedate", "When the deal was, or is expected to be, closed (UTC)."),
        _property("createdate", "When the deal was created (UTC).", kind="timestamp"),
        _property("hs_lastmodifieddate", "When any property last changed (UTC).", kind="timestamp"),
        _property("hs_is_closed", "Whether the stage is a closed one."),
        _property("hs_is_closed_won", "Whether the stage is a won one."),
        *_OBJECT_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_object_files("deals", "deal.csv", "deal_data.csv"),
    description="One row per deal and delivery.",
)

DEAL_CONTACTS = TableSpec(
    name="deal_contacts",
    people=People(identifies={"deal_id": "deal", "contact_id": "contact_id"}),
    columns=(
        Column("deal_id", required=True, not_null=True, description="Deal id."),
        Column("contact_id", required=True, not_null=True, description="Contact id."),
        Column("type_id", description="Association type."),
        Column("category", description="HUBSPOT_DEFINED or USER_DEFINED."),
    ),
    natural_key=("deal_id", "contact_id", "type_id"),
    dt=None,
    files=(
        FileRule(
            "fivetran", ("deal_contact.csv", "deal_contact_data.csv"), "csv", {"delimiter": ","}
        ),
    ),
    description="One row per contact associated with a deal; loaders only, the API nests them.",
)

DEAL_COMPANIES = TableSpec(
    name="deal_companies",
    people=People(identifies={"deal_id": "deal"}),
    columns=(
        Column("deal_id", required=True, not_null=True, description="Deal id."),
        Column("company_id", required=True, not_null=True, description="Company id."),
        Column("type_id", description="Association type."),
        Column("category", description="HUBSPOT_DEFINED or USER_DEFINED."),
    ),
    natural_key=("deal_id", "company_id", "type_id"),
    dt=None,
    files=(
        FileRule(
            "fivetran", ("deal_company.csv", "deal_company_data.csv"), "csv", {"delimiter": ","}
        ),
    ),
    description="One row per company associated with a deal; loaders only, the API nests them.",
)

CONTACT_MERGE_AUDIT = TableSpec(
    name="contact_merge_audit",
    people=People(
        identifies={
            "canonical_vid": "contact_id",
            "vid_to_merge": "contact_id",
            "contact_id": "contact_id",
        }
    ),
    columns=(
        Column(
            "canonical_vid",
            required=True,
            not_null=True,
            description="Contact that survives ('canonical-vid' in the API).",
        ),
        Column(
            "vid_to_merge",
            required=True,
            not_null=True,
            description="Contact merged away ('vid-to-merge').",
        ),
        Column("contact_id", description="Contact whose record carries the audit entry."),
        Column("timestamp", description="When; milliseconds since 1970, or text in UTC."),
        Column("entity_id", description="Who merged ('entity-id')."),
        Column("user_id", description="User who merged ('user-id')."),
        Column("num_properties_moved", description="Properties taken over."),
        Column(
            "unmerged_at",
            description="Custom: when the merge was taken back and both contacts restored.",
        ),
        Column("_fivetran_synced", kind="timestamp", description="When the loader read the row."),
    ),
    natural_key=("canonical_vid", "vid_to_merge"),
    dt=None,
    files=(
        FileRule("native", ("contact_merge_audit*.jsonl",), "jsonl"),
        FileRule(
            "fivetran",
            ("contact_merge_audit.csv", "contact_merge_audit_data.csv"),
            "csv",
            {"delimiter": ","},
        ),
    ),
    description="One row per merge of two contacts ('merge-audits' of a contact).",
)

EMAIL_EVENTS = TableSpec(
    name="email_events",
    identifies_late=True,
    people=People(
        identifies={"id": "email_event", "sentBy_id": "email_event"}, records=("email_event",)
    ),
    columns=(
        Column("id", required=True, not_null=True, description="Event id."),
        Column(
            "created",
            required=True,
            not_null=True,
            description="When; milliseconds since 1970, or text in UTC.",
        ),
        Column(
            "type",
            required=True,
            not_null=True,
            description="SENT, DELIVERED, OPEN, CLICK, BOUNCE, STATUSCHANGE, SPAMREPORT, …",
        ),
        Column("recipient", identifier="email", description="E-mail address of the recipient."),
        Column("emailCampaignId", description="Id of the e-mail campaign."),
        Column("appId", description="Application that sent the message."),
        Column("portalId", description="HubSpot account."),
        Column(
            "sentBy_id",
            path="$.sentBy.id",
            aliases=("sent_by_id",),
            description="Id of the SENT event of the same message.",
        ),
        Column("sentBy_created", path="$.sentBy.created", description="When that was."),
        Column("url", description="Link that was clicked."),
        Column("userAgent", description="User agent of an open or click."),
        Column("filteredEvent", kind="boolean", description="Excluded from HubSpot's reporting."),
        Column("portalSubscriptionStatus", description="STATUSCHANGE: SUBSCRIBED or UNSUBSCRIBED."),
        Column("dropReason", description="Why a message was not sent."),
        Column("_fivetran_synced", kind="timestamp", description="When the loader read the row."),
    ),
    natural_key=("id",),
    dt=(
        "cast(coalesce(make_timestamp(try_cast(created as bigint) * 1000), "
        "try_cast(created as timestamp)) as date)"
    ),
    files=(
        FileRule("native", ("email_events*.jsonl",), "jsonl"),
        FileRule(
            "fivetran", ("email_event.csv", "email_event_data.csv"), "csv", {"delimiter": ","}
        ),
    ),
    description="One row per event of a marketing e-mail (Email Events API v1).",
)

EMAIL_EVENT_CLICKS = TableSpec(
    name="email_event_clicks",
    people=People(identifies={"id": "email_event"}),
    columns=(
        Column("id", required=True, not_null=True, description="Id of the CLICK event."),
        Column("url", description="Link that was clicked."),
    ),
    natural_key=("id",),
    dt=None,
    files=(
        FileRule(
            "fivetran",
            ("email_event_click.csv", "email_event_click_data.csv"),
            "csv",
            {"delimiter": ","},
        ),
    ),
    description="One row per click event; loaders only, the API has the link in the event.",
)

EMAIL_EVENT_STATUS_CHANGES = TableSpec(
    name="email_event_status_changes",
    people=People(identifies={"id": "email_event"}),
    columns=(
        Column("id", required=True, not_null=True, description="Id of the STATUSCHANGE event."),
        Column("portalSubscriptionStatus", description="SUBSCRIBED or UNSUBSCRIBED."),
    ),
    natural_key=("id",),
    dt=None,
    files=(
        FileRule(
            "fivetran",
            ("email_event_status_change.csv", "email_event_status_change_data.csv"),
            "csv",
            {"delimiter": ","},
        ),
    ),
    description="One row per status change; loaders only, the API has the status in the event.",
)

EMAIL_CAMPAIGNS = TableSpec(
    name="email_campaigns",
    columns=(
        Column("id", required=True, not_null=True, description="Id of the e-mail campaign."),
        Column("name", description="Campaign name."),
        Column("subject", description="Subject line."),
        Column("type", description="Kind of campaign."),
        Column("appName", description="Application that sent it."),
        Column("_fivetran_synced", kind="timestamp", description="When the loader read the row."),
    ),
    natural_key=("id",),
    dt=None,
    files=(
        FileRule("native", ("email_campaigns*.jsonl",), "jsonl"),
        FileRule(
            "fivetran",
            ("email_campaign.csv", "email_campaign_data.csv"),
            "csv",
            {"delimiter": ","},
        ),
    ),
    description="One row per e-mail campaign and delivery (Email Campaigns API v1).",
)

SPEC = VendorSpec(
    name="hubspot",
    family="crm",
    tables=(
        CONTACTS,
        COMPANIES,
        DEALS,
        DEAL_CONTACTS,
        DEAL_COMPANIES,
        CONTACT_MERGE_AUDIT,
        EMAIL_EVENTS,
        EMAIL_EVENT_CLICKS,
        EMAIL_EVENT_STATUS_CHANGES,
        EMAIL_CAMPAIGNS,
    ),
    docs_url="https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide",
    description="HubSpot CRM objects (API v3), contact merges and marketing e-mail events (v1).",
)
