"""SurveyMonkey: pages of bulk responses, and the survey details that explain them.

A response names questions and choices by id only; their texts and weights are in the survey
details, so both files are needed to read an answer.
"""

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec

RESPONSES = TableSpec(
    name="responses",
    people=People(
        things=(
            "survey_id",
            "collector_id",
        ),
        identifies={
            "id": "response",
            "recipient_id": "panel_contact",
            "custom_variables$.contact_id": "contact_id",
            "custom_variables$.user_id": "user_id",
            "custom_variables$.client_id": "client_id",
            "custom_variables$.loyalty_id": "loyalty_id",
            "custom_variables$.order_ref": "~order",
            "custom_variables$.case_ref": "~case",
        },
        details=(
            "first_name",
            "last_name",
            "custom_variables$.email",
            "custom_variables$.phone",
        ),
        records=("response",),
    ),
    natural_key=("id",),
    dt="try_cast(left(trim(date_created), 10) as date)",
    files=(
        FileRule(
            format="native",
            patterns=("responses*.json",),
            reader="json",
            options={"records_path": "data"},
        ),
    ),
    description="Responses with their answers by page and question.",
    columns=(
        Column("id", required=True, not_null=True, description="Response id."),
        Column("survey_id", required=True, not_null=True),
        Column("collector_id"),
        Column("recipient_id", description="Set when the response came by invitation."),
        Column("collection_mode"),
        Column("response_status", description="completed, partial, overquota, disqualified."),
        Column("email_address", identifier="email"),
        Column("phone", identifier="phone", path="custom_variables.phone"),
        Column("first_name"),
        Column("last_name"),
        Column("custom_value"),
        Column(
            "custom_variables",
            kind="json",
            path="custom_variables",
            description="Values of the survey link: user_id, client_id, order_ref, …",
        ),
        Column("total_time", kind="number", description="Seconds spent."),
        Column("date_created", required=True, not_null=True, kind="timestamp"),
        Column("date_modified", kind="timestamp"),
        Column("pages", kind="json", description="[{id, questions: [{id, answers: […]}]}]."),
    ),
)

SURVEY_DETAILS = TableSpec(
    name="survey_details",
    natural_key=("id",),
    dt=None,
    files=(
        FileRule(
            format="native",
            patterns=("survey_details*.json",),
            reader="json",
        ),
    ),
    description="Surveys with their pages, questions and choices.",
    columns=(
        Column("id", required=True, not_null=True, description="Survey id."),
        Column("title"),
        Column("language"),
        Column("date_created", kind="timestamp"),
        Column("date_modified", kind="timestamp"),
        Column("pages", kind="json", description="Questions and choices with texts and weights."),
    ),
)

SPEC = VendorSpec(
    name="surveymonkey",
    family="survey",
    tables=(RESPONSES, SURVEY_DETAILS),
    docs_url="https://api.surveymonkey.com/v3/docs#api-endpoints-survey-responses",
    description="Bulk responses and survey details as the API returns them (JSON).",
)
