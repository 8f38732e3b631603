"""Typeform: webhook payloads and Responses API pages.

A webhook sends `{event_id, event_type, form_response: {…}}`; saved one a file or one a line, its
`form_response` is a record. The Responses API returns `{items: […]}` of the same objects without
the form's id and definition; such a file is named `responses_<form id>.json`, from which staging
takes the id.
"""

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec

RESPONSES = TableSpec(
    name="responses",
    people=People(
        things=(
            "form_id",
            "definition",
        ),
        identifies={
            "token": "response",
            "hidden$.contact_id": "contact_id",
            "hidden$.user_id": "user_id",
            "hidden$.client_id": "client_id",
            "hidden$.loyalty_id": "loyalty_id",
            "hidden$.order_ref": "~order",
            "hidden$.case_ref": "~case",
        },
        details=(
            "hidden$.email",
            "hidden$.phone",
            "metadata",
        ),
        records=("response",),
    ),
    natural_key=("token",),
    dt="try_cast(left(trim(submitted_at), 10) as date)",
    files=(
        FileRule(
            format="native",
            patterns=("*.jsonl",),
            reader="jsonl",
            options={"records_path": "form_response"},
        ),
        FileRule(
            format="native",
            patterns=("*webhook*.json",),
            reader="json",
            options={"records_path": "form_response"},
        ),
        FileRule(
            format="native",
            patterns=("responses*.json",),
            reader="json",
            options={"records_path": "items"},
        ),
    ),
    description="Submitted forms with their answers.",
    columns=(
        Column("token", required=True, not_null=True, description="Response id."),
        Column("form_id", description="The form; absent in the Responses API."),
        Column("landed_at", kind="timestamp", description="When the form was opened."),
        Column("submitted_at", required=True, not_null=True, kind="timestamp"),
        Column(
            "email",
            identifier="email",
            path="hidden.email",
            description="Hidden field email of the form's link.",
        ),
        Column(
            "phone",
            identifier="phone",
            path="hidden.phone",
            description="Hidden field phone of the form's link.",
        ),
        Column(
            "hidden",
            kind="json",
            path="hidden",
            description=(
                "Hidden fields of the link: user_id, client_id, contact_id, loyalty_id, order_ref, "
                "case_ref, channel, touchpoint_id, language, content_id."
            ),
        ),
        Column("answers", kind="json", description="[{type, <type>: value, field: {id, ref}}]."),
        Column("definition", kind="json", description="Webhook only: the form as it was shown."),
        Column("calculated", kind="json"),
        Column("variables", kind="json"),
        Column("metadata", kind="json", description="Responses API only: browser and referer."),
    ),
)

SPEC = VendorSpec(
    name="typeform",
    family="survey",
    tables=(RESPONSES,),
    docs_url="https://www.typeform.com/developers/webhooks/example-payload/",
    description="Form responses as webhook payloads or Responses API pages (JSON, JSON lines).",
)
