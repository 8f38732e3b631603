"""Zendesk Support: API objects as JSON lines, or a loader's tables.

A native file holds one object of the Tickets, Ticket Comments, Satisfaction Ratings, Users or
Ticket Fields API a line. The comments endpoint is addressed by ticket and its objects do not name
the ticket, so an export has to add ``ticket_id``, as the incremental exports do.
"""

from __future__ import annotations

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec

_LOADER_COLUMNS = (
    Column("_fivetran_synced", kind="timestamp", description="When the loader read the row."),
    Column("_fivetran_deleted", kind="boolean", description="The loader saw the record disappear."),
)


def _files(name: str, *loader_names: str) -> tuple[FileRule, ...]:
    """Say where a table is found: JSON lines, an API page, or a loader's CSV.

    Args:
        name: The API's name of the list.
        loader_names: File names that loaders give the table; none where they have no such table.

    Returns:
        One rule per way of delivery.
    """
    native = (
        FileRule("native", (f"{name}*.jsonl", f"{name}*.ndjson"), "jsonl"),
        FileRule("native", (f"{name}*.json",), "json", {"records_path": name}),
    )
    if not loader_names:
        return native
    return (*native, FileRule("fivetran", loader_names, "csv", {"delimiter": ","}))


TICKETS = TableSpec(
    name="tickets",
    people=People(
        things=(
            "via_channel",
            "via_source_rel",
            "type",
            "priority",
            "status",
            "assignee_id",
            "group_id",
            "metric_set",
        ),
        identifies={
            "id": "case",
            "requester_id": "requester",
            "submitter_id": "requester",
            "custom_order_number": "~order",
        },
        details=(
            "subject",
            "description",
        ),
        records=("case",),
    ),
    columns=(
        Column("id", required=True, not_null=True, description="Ticket id."),
        Column("external_id", description="Id that another system gave the ticket."),
        Column(
            "via_channel",
            path="$.via.channel",
            description="How it came: web, email, chat, native_messaging, voice, sms, api, …",
        ),
        Column(
            "via_source_rel",
            path="$.via.source.rel",
            description="More of how it came: inbound, outbound, voicemail, follow_up, merge, …",
        ),
        Column("subject", description="Subject line (free text)."),
        Column("description", description="First comment (free text)."),
        Column("type", description="problem, incident, question or task."),
        Column("priority", description="urgent, high, normal or low."),
        Column("status", description="new, open, pending, hold, solved, closed or deleted."),
        Column("requester_id", description="User who asked."),
        Column("submitter_id", description="User who wrote the ticket."),
        Column("assignee_id", description="Agent."),
        Column("group_id", description="Team of agents."),
        Column("organization_id", description="Organisation of the requester."),
        Column("tags", kind="json", description="Tags, a JSON array."),
        Column("custom_fields", kind="json", description="[{id, value}]; ids in ticket_fields."),
        Column(
            "custom_topic",
            description="The custom field 'topic' as loaders land it; natively in custom_fields.",
        ),
        Column(
            "custom_order_number",
            aliases=("custom_order_id", "custom_order"),
            description="The custom field 'order number', likewise.",
        ),
        Column(
            "metric_set",
            kind="json",
            description="Ticket metrics, where exported with include=metric_sets: solved_at, "
            "reply_time_in_minutes, …",
        ),
        Column("created_at", required=True, not_null=True, kind="timestamp", description="UTC."),
        Column("updated_at", kind="timestamp", description="UTC."),
        *_LOADER_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_files("tickets", "ticket.csv", "ticket_data.csv"),
    description="One row per ticket and delivery.",
)

TICKET_COMMENTS = TableSpec(
    name="ticket_comments",
    people=People(
        identifies={"id": "comment", "ticket_id": "case", "author_id": "requester"},
        details=("body",),
        records=("comment",),
    ),
    columns=(
        Column("id", required=True, not_null=True, description="Comment id."),
        Column("ticket_id", required=True, not_null=True, description="Ticket."),
        Column("author_id", aliases=("user_id",), description="User who wrote it."),
        Column("public", kind="boolean", description="False for an internal note."),
        Column("type", description="Comment or VoiceComment."),
        Column("via_channel", path="$.via.channel", description="How it came."),
        Column("body", description="Text of the comment (free text)."),
        Column(
            "created_at",
            required=True,
            not_null=True,
            kind="timestamp",
            aliases=("created",),
            description="UTC.",
        ),
        *_LOADER_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_files("ticket_comments", "ticket_comment.csv", "ticket_comment_data.csv"),
    description="One row per comment and delivery.",
)

TICKET_FIELDS = TableSpec(
    name="ticket_fields",
    columns=(
        Column("id", required=True, not_null=True, description="Field id."),
        Column("title", required=True, description="Name of the field that agents see."),
        Column("raw_title", description="Title before translation."),
        Column("type", description="text, tagger, integer, …"),
        Column("active", kind="boolean", description="Whether the field is in use."),
        Column("updated_at", kind="timestamp", description="UTC."),
    ),
    natural_key=("id",),
    dt=None,
    files=_files("ticket_fields"),
    description="One row per ticket field and delivery: names the ids in custom_fields.",
)

TICKET_TAGS = TableSpec(
    name="ticket_tags",
    people=People(things=("tag",), identifies={"ticket_id": "case"}),
    columns=(
        Column("ticket_id", required=True, not_null=True, description="Ticket."),
        Column("tag", required=True, not_null=True, description="Tag."),
        Column("_fivetran_synced", kind="timestamp", description="When the loader read the row."),
    ),
    natural_key=("ticket_id", "tag"),
    dt=None,
    files=(
        FileRule("fivetran", ("ticket_tag.csv", "ticket_tag_data.csv"), "csv", {"delimiter": ","}),
    ),
    description="One row per tag of a ticket; loaders only, the API has them in the ticket.",
)

SATISFACTION_RATINGS = TableSpec(
    name="satisfaction_ratings",
    people=People(
        things=(
            "assignee_id",
            "group_id",
            "score",
        ),
        identifies={"id": "response", "ticket_id": "case", "requester_id": "requester"},
        details=("comment",),
        records=("response",),
    ),
    columns=(
        Column("id", required=True, not_null=True, description="Rating id."),
        Column("ticket_id", required=True, not_null=True, description="Ticket."),
        Column("requester_id", description="User who was asked."),
        Column("assignee_id", description="Agent at the time."),
        Column("group_id", description="Team at the time."),
        Column("score", required=True, description="offered, unoffered, good or bad."),
        Column("comment", description="What the requester wrote (free text)."),
        Column("reason", description="Reason chosen for a bad rating."),
        Column("created_at", kind="timestamp", description="When it was offered (UTC)."),
        Column("updated_at", kind="timestamp", description="When it was last given (UTC)."),
    ),
    natural_key=("id",),
    dt=None,
    files=_files("satisfaction_ratings"),
    description="One row per satisfaction rating and delivery.",
)

USERS = TableSpec(
    name="users",
    people=People(
        identifies={"id": "requester", "external_id": "contact_id"},
        details=(
            "name",
            "user_fields",
        ),
        records=("requester",),
    ),
    columns=(
        Column("id", required=True, not_null=True, description="User id."),
        Column("external_id", description="Id of the same person in the CRM (contact id)."),
        Column("name", description="Name."),
        Column("email", identifier="email", description="Primary e-mail address."),
        Column("phone", identifier="phone", description="Phone number."),
        Column("role", required=True, description="end-user, agent or admin."),
        Column("active", kind="boolean", description="False once deleted."),
        Column("user_fields", kind="json", description="Custom user fields."),
        Column("locale", description="Language tag."),
        Column("created_at", kind="timestamp", description="UTC."),
        Column("updated_at", kind="timestamp", description="UTC."),
        *_LOADER_COLUMNS,
    ),
    natural_key=("id",),
    dt=None,
    files=_files("users", "user.csv", "user_data.csv"),
    description="One row per user (end user, agent or admin) and delivery.",
)

SPEC = VendorSpec(
    name="zendesk",
    family="service",
    tables=(
        TICKETS,
        TICKET_COMMENTS,
        TICKET_FIELDS,
        TICKET_TAGS,
        SATISFACTION_RATINGS,
        USERS,
    ),
    docs_url="https://developer.zendesk.com/api-reference/ticketing/introduction/",
    description="Zendesk Support tickets, comments, satisfaction ratings and users.",
)
