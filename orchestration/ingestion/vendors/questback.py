"""Questback: survey responses, one column a question, and the invitations sent.

A response export has the fixed columns below and then one column per question, headed by the
question's id (`nps`, `exq_04`, …); a question that was reworded or rescaled carries its version as
a suffix (`ces_v2`). Question columns differ by survey, so they are not declared: they land in
`_extra`, and `seeds/reference/survey_questions.csv` says what each one measures. Files are
ISO-8859-1 with semicolons; times are local, without an offset.
"""

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec


def _csv(name: str) -> FileRule:
    return FileRule(format="native", patterns=(f"{name}*.csv",), reader="csv")


RESPONSES = TableSpec(
    name="responses",
    people=People(
        things=(
            "survey_id",
            "touchpoint_id",
            "channel",
            "language",
        ),
        identifies={
            "respondent_id": "response@survey_id",
            "invitation_id": "invitation@survey_id",
            "contact_id": "contact_id",
            "user_id": "user_id",
            "client_id": "client_id",
            "loyalty_id": "loyalty_id",
            "order_ref": "~order",
            "case_ref": "~case",
        },
        details=(
            "first_name",
            "last_name",
            "ip_address",
        ),
        records=("response",),
    ),
    natural_key=("survey_id", "respondent_id"),
    dt="try_cast(left(trim(coalesce(nullif(trim(completed_at), ''), started_at)), 10) as date)",
    files=(_csv("responses"),),
    description="Survey responses with their background variables; questions are in _extra.",
    columns=(
        Column("respondent_id", required=True, not_null=True, aliases=("Respondent ID",)),
        Column("survey_id", required=True, not_null=True, aliases=("Quest ID",)),
        Column("invitation_id", description="The invitation that was answered, if there was one."),
        Column("email", identifier="email", aliases=("Respondent e-mail", "e-mail")),
        Column("phone", identifier="phone"),
        # Declared so that they stay out of _extra, where everything is taken for an answer.
        Column("first_name", aliases=("Etunimi",)),
        Column("last_name", aliases=("Sukunimi",)),
        Column("ip_address", aliases=("IP",)),
        Column("contact_id", description="CRM id passed with the invitation."),
        Column("user_id", description="Web login id passed by the pop-up survey."),
        Column("client_id", description="Web client id passed by the pop-up survey."),
        Column("loyalty_id"),
        Column("order_ref", description="Order name or receipt id that the survey is about."),
        Column("case_ref", description="Support case that the survey is about."),
        Column("channel", description="How it was answered: email, sms, web, app."),
        Column("touchpoint_id", description="Touchpoint that the survey is about, if one."),
        Column("language", description="fi, sv or en."),
        Column("status", description="complete or partial."),
        Column("started_at", required=True, not_null=True, kind="timestamp", description="Local."),
        Column("completed_at", kind="timestamp", description="Local; blank when partial."),
    ),
)

INVITATIONS = TableSpec(
    name="invitations",
    people=People(
        things=(
            "touchpoint_id",
            "channel",
        ),
        identifies={"invitation_id": "invitation@survey_id", "contact_id": "contact_id"},
        records=("invitation",),
    ),
    natural_key=("survey_id", "invitation_id"),
    dt="try_cast(left(trim(sent_at), 10) as date)",
    files=(_csv("invitations"),),
    description="Invitations sent: the denominator of the response rate.",
    columns=(
        Column("invitation_id", required=True, not_null=True),
        Column("survey_id", required=True, not_null=True, aliases=("Quest ID",)),
        Column("email", identifier="email", aliases=("e-mail",)),
        Column("phone", identifier="phone"),
        Column("contact_id"),
        Column("channel", description="email or sms."),
        Column("touchpoint_id"),
        Column("sent_at", required=True, not_null=True, kind="timestamp", description="Local."),
        Column("delivery_status", description="delivered, bounced or failed."),
    ),
)

SPEC = VendorSpec(
    name="questback",
    family="survey",
    tables=(RESPONSES, INVITATIONS),
    docs_url="https://www.questback.com",
    description="Survey responses and invitations as semicolon-separated CSV.",
)
