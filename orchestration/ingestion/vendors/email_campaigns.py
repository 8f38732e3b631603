"""E-mail campaigns: the send log of a campaign tool, in a documented CSV of our own.

One row per event of one message to one recipient; times in ISO 8601, with an offset or in UTC.
"""

from __future__ import annotations

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec

EVENTS = TableSpec(
    name="events",
    identifies_late=True,
    people=People(
        things=(
            "campaign_id",
            "campaign_name",
        ),
        identifies={"message_id": "message", "contact_id": "contact_id"},
        records=("message",),
    ),
    columns=(
        Column("campaign_id", required=True, not_null=True, description="Campaign."),
        Column("campaign_name", description="Campaign name."),
        Column(
            "message_id",
            required=True,
            not_null=True,
            description="One message to one recipient; shared by its events.",
        ),
        Column(
            "event",
            required=True,
            not_null=True,
            description="sent, delivered, open, click, bounce, unsubscribe or complaint.",
        ),
        Column(
            "occurred_at",
            required=True,
            not_null=True,
            kind="timestamp",
            description="When: ISO 8601 with an offset, UTC without one.",
        ),
        Column("email", identifier="email", description="Recipient."),
        Column("contact_id", description="Recipient's id in the CRM."),
        Column("url", description="Link that was clicked."),
        Column("user_agent", description="User agent of an open or click."),
    ),
    natural_key=("message_id", "event", "occurred_at", "url"),
    dt="cast(try_cast(occurred_at as timestamp) as date)",
    files=(FileRule("native", ("events*.csv",), "csv"),),
    description="One row per event of a message.",
)

SPEC = VendorSpec(
    name="email_campaigns",
    family="marketing",
    tables=(EVENTS,),
    docs_url="docs/csv_layouts.md",
    description="Send log of an e-mail campaign tool, in our documented CSV layout.",
)
