"""Call centre: the log of calls, IVR, SMS and chat, in a documented CSV of our own.

Telephony systems have no common export, so this is the layout to map one to: ``;`` between
columns, a header row, times ``YYYY-MM-DD HH:MM:SS`` in the business's own zone, durations in
seconds, yes/no columns as 1/0, true/false or yes/no. One row per contact leg: a call that the IVR
hands over is one IVR row and one phone row with the same ``ticket_id`` or phone number.
"""

from __future__ import annotations

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec

CONTACTS = TableSpec(
    name="contacts",
    people=People(
        things=(
            "queue",
            "ivr_choice",
            "topic",
            "agent_id",
            "team",
            "outcome",
        ),
        identifies={
            "contact_ref": "service_contact",
            "loyalty_id": "loyalty_id",
            "client_id": "client_id",
            "ticket_id": "~case",
        },
        records=("service_contact",),
    ),
    columns=(
        Column("contact_ref", required=True, not_null=True, description="Id of the contact leg."),
        Column(
            "channel", required=True, not_null=True, description="phone, ivr, sms, chat or email."
        ),
        Column("direction", description="inbound or outbound."),
        Column(
            "started_at",
            required=True,
            not_null=True,
            kind="timestamp",
            description="When it began: local time, YYYY-MM-DD HH:MM:SS.",
        ),
        Column("ended_at", kind="timestamp", description="When it ended: local time."),
        Column("queue", description="Queue the contact waited in."),
        Column("ivr_choice", description="Key or menu path chosen in the IVR."),
        Column("topic", description="What it was about."),
        Column("agent_id", description="Agent who took it."),
        Column("team", description="Team of the agent."),
        Column("phone", identifier="phone", description="Customer's number."),
        Column("email", identifier="email", description="Customer's e-mail, if asked."),
        Column("loyalty_id", description="Loyalty card number keyed in or asked."),
        Column("client_id", description="Web analytics client id of a chat."),
        Column("wait_seconds", kind="number", description="Seconds waited in the queue."),
        Column("handle_seconds", kind="number", description="Seconds of talk and after-work."),
        Column(
            "outcome",
            description="contained (by IVR or bot), agent, abandoned, transferred, resolved, …",
        ),
        Column("transferred", description="1 where it was handed to another queue or agent."),
        Column("resolved", description="1 where the agent marked it resolved."),
        Column("ticket_id", description="Ticket of the service system it belongs to."),
    ),
    natural_key=("contact_ref",),
    dt="cast(try_cast(started_at as timestamp) as date)",
    files=(FileRule("native", ("contacts*.csv", "calls*.csv"), "csv"),),
    description="One row per contact leg: a call, an IVR session, an SMS or a chat.",
)

SPEC = VendorSpec(
    name="call_centre",
    family="service",
    tables=(CONTACTS,),
    docs_url="docs/csv_layouts.md",
    description="Log of calls, IVR sessions, SMS and chats, in our documented CSV layout.",
)
