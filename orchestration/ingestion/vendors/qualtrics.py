"""Qualtrics: response exports, CSV or JSON, and the history of a distribution.

The CSV has three header rows: the export tags, the question texts, and the ImportIds as JSON; only
the first names columns. The JSON export keeps the same fields under `values` and the texts of
choices under `labels`. Neither says which survey it is, so the file's name must: `<survey id>.csv`,
or with the prefix `responses_`. Question columns are not declared: in the CSV they land in
`_extra`, in the JSON they stay inside `values`. Times without an offset are taken to be UTC: export
with the time zone set so.
"""

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec

RESPONSES = TableSpec(
    name="responses",
    people=People(
        things=(
            "touchpoint_id",
            "labels",
        ),
        identifies={
            "ResponseId": "response",
            "ExternalReference": "contact_id",
            "user_id": "user_id",
            "client_id": "client_id",
            "loyalty_id": "loyalty_id",
            "order_ref": "~order",
            "case_ref": "~case",
        },
        details=(
            "IPAddress",
            "RecipientLastName",
            "RecipientFirstName",
            "LocationLatitude",
            "LocationLongitude",
        ),
        records=("response",),
    ),
    natural_key=("ResponseId",),
    dt="try_cast(left(trim(coalesce(RecordedDate, EndDate, StartDate)), 10) as date)",
    files=(
        FileRule(
            format="native",
            patterns=("responses*.csv", "SV_*.csv"),
            reader="csv",
            options={"skip_rows_after_header": 2},
        ),
        FileRule(
            format="native",
            patterns=("responses*.json", "SV_*.json"),
            reader="json",
            options={"records_path": "responses"},
        ),
    ),
    description="Survey responses; questions are in _extra (CSV) or in values (JSON).",
    columns=(
        Column("ResponseId", required=True, not_null=True, path="responseId"),
        Column("StartDate", kind="timestamp", path="values.startDate"),
        Column("EndDate", kind="timestamp", path="values.endDate"),
        Column("RecordedDate", kind="timestamp", path="values.recordedDate"),
        Column(
            "Status",
            path="values.status",
            description="0 or IP Address is real; 1, 2 or Survey Preview, Survey Test is not.",
        ),
        Column("IPAddress", path="values.ipAddress"),
        Column("Progress", kind="number", path="values.progress"),
        Column(
            "Duration_in_seconds",
            kind="number",
            aliases=("Duration (in seconds)",),
            path="values.duration",
        ),
        Column("Finished", path="values.finished", description="1, 0, True or False."),
        Column("RecipientLastName", path="values.recipientLastName"),
        Column("RecipientFirstName", path="values.recipientFirstName"),
        Column("RecipientEmail", identifier="email", path="values.recipientEmail"),
        Column(
            "ExternalReference",
            aliases=("ExternalDataReference",),
            path="values.externalDataReference",
            description="The sender's own id of the recipient: the CRM contact.",
        ),
        Column("LocationLatitude", path="values.locationLatitude"),
        Column("LocationLongitude", path="values.locationLongitude"),
        Column(
            "DistributionChannel",
            path="values.distributionChannel",
            description="email, sms, anonymous, …",
        ),
        Column("UserLanguage", path="values.userLanguage"),
        Column("phone", identifier="phone", path="values.phone"),
        Column("user_id", path="values.user_id", description="Embedded data."),
        Column("client_id", path="values.client_id", description="Embedded data."),
        Column("loyalty_id", path="values.loyalty_id", description="Embedded data."),
        Column("order_ref", path="values.order_ref", description="Embedded data."),
        Column("case_ref", path="values.case_ref", description="Embedded data."),
        Column("touchpoint_id", path="values.touchpoint_id", description="Embedded data."),
        Column(
            "response_values",
            kind="json",
            path="values",
            description="JSON export: every field by its id.",
        ),
        Column("labels", kind="json", description="JSON export: texts of the choices."),
    ),
)

DISTRIBUTION_HISTORY = TableSpec(
    name="distribution_history",
    people=People(
        identifies={
            "contactId": "panel_contact",
            "contactLookupId": "panel_contact",
            "responseId": "response",
        },
        records=("panel_contact",),
    ),
    natural_key=("distributionId", "contactId"),
    dt="try_cast(left(trim(sentAt), 10) as date)",
    files=(
        FileRule(
            format="native",
            patterns=("distribution_history*.json",),
            reader="json",
            options={"records_path": "result.elements"},
        ),
    ),
    description=(
        "Who was sent which distribution and what became of it; the file's name ends in the survey "
        "id (distribution_history_<survey id>.json)."
    ),
    columns=(
        Column("distributionId", required=True, not_null=True),
        Column("contactId", required=True, not_null=True),
        Column("contactLookupId"),
        Column("status", description="Success, Email Bounced, Survey Finished, …"),
        Column("responseId"),
        Column("sentAt", required=True, kind="timestamp"),
        Column("openedAt", kind="timestamp"),
        Column("responseStartedAt", kind="timestamp"),
        Column("responseCompletedAt", kind="timestamp"),
    ),
)

SPEC = VendorSpec(
    name="qualtrics",
    family="survey",
    tables=(RESPONSES, DISTRIBUTION_HISTORY),
    docs_url="https://api.qualtrics.com/ZG9jOjg3NzY3Mg-survey-response-export",
    description="Survey responses (three-row-header CSV or JSON) and distribution history (JSON).",
)
