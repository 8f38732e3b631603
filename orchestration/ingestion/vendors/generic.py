"""Any other tool: a file whose columns are mapped to a conformed family in sources.yml.

One table per family. A mapping gives a DuckDB SQL expression over the file's columns for each
column below; what is not mapped is null. Identifiers are given raw (`email`, `phone`): landing
hashes them. Times without an offset are in the table's ``timezone``, UTC by default.

    - name: olist
      vendor: generic
      tables:
        - table: orders
          path: olist/olist_orders_dataset.csv
          timezone: America/Sao_Paulo
          columns:
            order_id: order_id
            ordered_at: order_purchase_timestamp
            currency: "'BRL'"
            channel: "'web'"
            customer_ref: customer_id

Headers of orders may be missing where lines say it all: staging derives them from ``order_lines``
with ``ordered_at`` and ``customer_ref``. Whole mappings of public data sets are in
``tests/end_to_end/real_sources.yml``; those of what no vendor brings (reviews, mystery shopping,
visitor counters, uptime, product use, interviews, contracts, benchmarks), in
``seeds/sample/generic_sources.yml``.
"""

from __future__ import annotations

from orchestration.ingestion.specs import Column, People, TableSpec, VendorSpec

_TIMEZONE = Column("timezone", description="Zone of times without an offset; set by `timezone:`.")
_EMAIL = Column("email", identifier="email")
_PHONE = Column("phone", identifier="phone")


_PEOPLE = {
    "web_events": People(
        things=(
            "stream_id",
            "platform",
        ),
        identifies={
            "event_id": "web_event",
            "client_id": "client_id",
            "user_id": "user_id",
            "transaction_id": "~order",
        },
        records=("web_event",),
    ),
    "crm_contacts": People(
        identifies={
            "contact_id": "contact_id",
            "loyalty_id": "loyalty_id",
            "user_id": "user_id",
            "client_id": "client_id",
        },
        details=(
            "first_name",
            "last_name",
            "street",
            "postal_code",
            "city",
            "birth_year",
        ),
    ),
    "survey_invitations": People(
        things=(
            "survey_id",
            "channel",
            "touchpoint_id",
        ),
        identifies={"invitation_id": "invitation@survey_id", "contact_id": "contact_id"},
        records=("invitation",),
    ),
    "survey_responses": People(
        things=(
            "survey_id",
            "channel",
            "touchpoint_id",
            "language",
        ),
        identifies={
            "response_id": "response@survey_id",
            "invitation_id": "invitation@survey_id",
            "contact_id": "contact_id",
            "user_id": "user_id",
            "client_id": "client_id",
            "loyalty_id": "loyalty_id",
            "order_ref": "~order",
            "case_ref": "~case",
        },
        records=("response",),
    ),
    "survey_answers": People(
        things=(
            "survey_id",
            "question_id",
            "question_version",
        ),
        identifies={"response_id": "response@survey_id"},
    ),
    "service_cases": People(
        things=(
            "channel",
            "topic",
            "priority",
            "status",
            "agent_id",
            "team_id",
        ),
        identifies={"case_id": "case", "contact_id": "contact_id", "order_ref": "~order"},
        records=("case",),
    ),
    "service_contacts": People(
        things=(
            "channel",
            "direction",
            "queue",
            "menu_choice",
            "topic",
            "agent_id",
            "team_id",
            "outcome",
        ),
        identifies={
            "contact_ref": "service_contact",
            "case_ref": "~case",
            "loyalty_id": "loyalty_id",
            "client_id": "client_id",
        },
        records=("service_contact",),
    ),
    "orders": People(
        things=(
            "channel",
            "currency",
            "status",
            "payment_method",
            "store_id",
        ),
        identifies={
            "order_id": "order",
            "order_name": "order",
            "transaction_ref": "order",
            "cart_ref": "order",
            "customer_ref": "customer_ref",
            "contact_id": "contact_id",
            "loyalty_id": "loyalty_id",
            "user_id": "user_id",
            "client_id": "client_id",
        },
        records=("order",),
    ),
    "order_lines": People(
        things=(
            "product_id",
            "product_name",
            "channel",
            "store_id",
            "currency",
        ),
        identifies={
            "order_id": "order",
            "customer_ref": "customer_ref",
            "loyalty_id": "loyalty_id",
        },
    ),
    "order_payments": People(things=("payment_method",), identifies={"order_id": "order"}),
    "contracts": People(
        things=("product_id", "channel", "currency"),
        identifies={
            "contract_id": "contract",
            "customer_ref": "customer_ref",
            "contact_id": "contact_id",
            "loyalty_id": "loyalty_id",
            "user_id": "user_id",
        },
        records=("contract",),
    ),
    "refunds": People(
        identifies={
            "customer_ref": "customer_ref",
            "loyalty_id": "loyalty_id",
            "refund_id": "refund",
            "order_id": "order",
        },
        details=("reason",),
        records=("refund",),
    ),
    "carts": People(
        things=(
            "channel",
            "currency",
        ),
        identifies={
            "cart_id": "order",
            "cart_ref": "order",
            "order_ref": "~order",
            "customer_ref": "customer_ref",
            "client_id": "client_id",
        },
        records=("order",),
    ),
    "messages": People(
        things=(
            "campaign_id",
            "campaign_name",
            "channel",
            "event_type",
        ),
        identifies={"message_id": "message", "contact_id": "contact_id"},
        records=("message",),
    ),
    "feedback": People(
        things=(
            "channel",
            "touchpoint_id",
            "place",
            "product_id",
            "theme",
            "language",
        ),
        identifies={
            "feedback_id": "feedback@kind",
            "contact_id": "contact_id",
            "user_id": "user_id",
            "loyalty_id": "loyalty_id",
        },
        details=("feedback_text",),
        records=("feedback",),
    ),
    "readings": People(
        things=(
            "subject",
            "channel",
            "touchpoint_id",
        ),
        identifies={
            "reading_id": "reading@kind",
            "user_id": "user_id",
            "client_id": "client_id",
            "loyalty_id": "loyalty_id",
        },
        records=("reading",),
    ),
}


def _key(name: str, description: str = "") -> Column:
    return Column(name, required=True, not_null=True, description=description)


def _time(name: str, *, required: bool = False) -> Column:
    return Column(name, kind="timestamp", required=required, not_null=required)


def _number(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind="number") for name in names)


def _boolean(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind="boolean") for name in names)


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


def _day(*names: str) -> str:
    """The partition date: the day of the first time that is there, as it is written."""
    days = ", ".join(
        f"try_cast(left(trim({name}), 10) as date), cast(try_cast({name} as timestamptz) as date)"
        for name in names
    )
    return f"coalesce({days})"


def _table(
    name: str,
    description: str,
    natural_key: tuple[str, ...],
    dt: str | None,
    *columns: Column | tuple[Column, ...],
) -> TableSpec:
    flat: list[Column] = []
    for column in columns:
        flat.extend(column if isinstance(column, tuple) else (column,))
    return TableSpec(
        name=name,
        columns=(*flat, _TIMEZONE),
        natural_key=natural_key,
        dt=dt,
        files=(),
        description=description,
        people=_PEOPLE.get(name),
    )


TABLES = (
    _table(
        "web_events",
        "Web or app events.",
        (),
        _day("occurred_at"),
        Column("event_id", description="Id by which a repeated delivery is recognised."),
        _key("event_name"),
        _time("occurred_at", required=True),
        _text("stream_id", "platform", "client_id", "session_ref"),
        _number("session_number"),
        _text("user_id"),
        _boolean("is_session_engaged"),
        _number("engagement_seconds"),
        Column("page_url", description="Full address; staging keeps host and path."),
        _text("page_title"),
        Column("referrer_url", description="Full address; staging keeps the host."),
        _text("traffic_source", "traffic_medium", "traffic_campaign"),
        _text("first_user_source", "first_user_medium"),
        _text("device_category", "operating_system", "browser", "app_version"),
        _text("country", "language"),
        _boolean("is_internal"),
        _text("consent_analytics", "consent_ads", "transaction_id"),
        _number("event_value"),
        _text("currency"),
        _number("tax_amount", "shipping_amount", "item_count", "items_amount"),
        _number("scroll_share", "video_share"),
        _text("search_term", "link_target", "error_code", "error_message", "content_id"),
        _text("method", "coupon"),
    ),
    _table(
        "crm_contacts",
        "Contacts or customers.",
        ("contact_id",),
        None,
        _key("contact_id"),
        _text("company_id"),
        _EMAIL,
        _PHONE,
        _text("loyalty_id", "user_id", "client_id", "lifecycle_stage", "persona_id"),
        _text("first_name", "last_name", "street", "postal_code", "city", "country"),
        _number("birth_year"),
        _boolean("has_email_consent", "has_sms_consent"),
        _time("created_at"),
        _time("updated_at"),
        _boolean("is_deleted"),
    ),
    _table(
        "survey_invitations",
        "Invitations to surveys.",
        ("survey_id", "invitation_id"),
        _day("invited_at"),
        _key("survey_id"),
        _key("invitation_id"),
        _EMAIL,
        _PHONE,
        _text("contact_id", "channel", "touchpoint_id"),
        _time("invited_at"),
        _boolean("is_delivered"),
    ),
    _table(
        "survey_responses",
        "Responses to surveys.",
        ("survey_id", "response_id"),
        _day("submitted_at", "started_at", "invited_at"),
        _key("survey_id"),
        _key("response_id"),
        _text("invitation_id"),
        _EMAIL,
        _PHONE,
        _text("contact_id", "user_id", "client_id", "loyalty_id", "order_ref", "case_ref"),
        _text("channel", "touchpoint_id", "language"),
        _time("invited_at"),
        _time("started_at"),
        _time("submitted_at"),
        _boolean("is_complete"),
    ),
    _table(
        "survey_answers",
        "Answers to survey questions.",
        ("survey_id", "response_id", "question_id"),
        _day("submitted_at"),
        _key("survey_id"),
        _key("response_id"),
        _key("question_id"),
        _text("question_version", "answer_text"),
        _number("answer_number"),
        _time("submitted_at"),
    ),
    _table(
        "service_cases",
        "Cases or tickets.",
        ("case_id",),
        _day("created_at"),
        _key("case_id"),
        _text("contact_id"),
        _EMAIL,
        _PHONE,
        _text("channel", "topic", "priority"),
        Column("status", description="open, pending, solved, closed or deleted."),
        _time("created_at"),
        _time("first_response_at"),
        _time("solved_at"),
        _time("updated_at"),
        _text("agent_id", "team_id"),
        _boolean("is_deleted"),
        _text("order_ref"),
    ),
    _table(
        "service_contacts",
        "Calls, IVR, SMS and chat contacts.",
        ("contact_ref",),
        _day("started_at"),
        _key("contact_ref"),
        _text("case_ref"),
        Column("channel", description="phone, ivr, sms, chat or email."),
        Column("direction", description="inbound or outbound."),
        _text("queue", "menu_choice", "topic", "agent_id", "team_id"),
        _EMAIL,
        _PHONE,
        _text("loyalty_id", "client_id"),
        _time("started_at"),
        _time("ended_at"),
        _number("wait_seconds", "handle_seconds"),
        _text("outcome"),
        _boolean("is_transferred", "is_resolved"),
        Column("begins_with_machine", kind="boolean", description="A bot answered first."),
    ),
    _table(
        "orders",
        "Order headers.",
        ("order_id",),
        _day("ordered_at"),
        _key("order_id"),
        _text("order_name"),
        Column("channel", description="web, app or store."),
        _time("ordered_at", required=True),
        _text("currency"),
        _number("subtotal_amount", "tax_amount", "shipping_amount", "discount_amount"),
        _number("total_amount"),
        Column("status", description="paid, pending, cancelled, voided, refunded, …"),
        _boolean("is_cancelled", "is_test"),
        _text("payment_method"),
        _EMAIL,
        _PHONE,
        _text("customer_ref", "contact_id", "loyalty_id", "user_id", "client_id"),
        _text("transaction_ref", "cart_ref", "store_id"),
        _time("updated_at"),
    ),
    _table(
        "order_lines",
        "Order lines; with time and customer where there are no headers.",
        ("order_id", "line_number"),
        _day("ordered_at"),
        _key("order_id"),
        Column("line_number", description="Number within the order; by default in file order."),
        _text("product_id", "product_name"),
        _number("quantity", "unit_price", "discount_amount", "line_amount", "unit_cost"),
        _time("ordered_at"),
        _text("currency", "channel", "store_id", "customer_ref", "loyalty_id"),
        Column("is_return", kind="boolean", description="The line takes goods back."),
    ),
    _table(
        "order_payments",
        "Payments, where they are beside the orders: the largest one names the method.",
        ("order_id", "payment_number"),
        None,
        _key("order_id"),
        _text("payment_number", "payment_method"),
        _number("payment_amount"),
    ),
    _table(
        "refunds",
        "Refunds.",
        ("refund_id",),
        _day("refunded_at"),
        _key("refund_id"),
        Column("order_id", description="Blank where nobody knows what was bought when."),
        _time("refunded_at"),
        _number("refund_amount"),
        _text("currency", "reason", "channel", "loyalty_id", "customer_ref"),
        _EMAIL,
        _PHONE,
    ),
    _table(
        "carts",
        "Carts and abandoned checkouts.",
        ("cart_id",),
        _day("started_at", "updated_at"),
        _key("cart_id"),
        _text("cart_ref", "channel"),
        _time("started_at"),
        _time("updated_at"),
        _time("completed_at"),
        _text("order_ref", "currency"),
        _number("cart_amount"),
        _EMAIL,
        _PHONE,
        _text("customer_ref", "client_id"),
    ),
    _table(
        "contracts",
        "Contracts and subscriptions, one row per term.",
        ("contract_id",),
        _day("started_at", "updated_at"),
        _key("contract_id"),
        Column("product_id", description="What was agreed on: plan or service."),
        Column("channel", description="Where it was made; web by default."),
        _time("started_at", required=True),
        Column("ends_at", kind="timestamp", description="Agreed end; blank where it has none."),
        Column("cancelled_at", kind="timestamp", description="End before the agreed one."),
        Column("is_renewed", kind="boolean", description="Goes on, where the tool says so itself."),
        _text("currency"),
        Column("contract_amount", kind="number", description="Price of the term."),
        _EMAIL,
        _PHONE,
        _text("customer_ref", "contact_id", "loyalty_id", "user_id"),
        _time("updated_at"),
    ),
    _table(
        "messages",
        "E-mail and SMS campaign events.",
        (),
        _day("occurred_at"),
        _text("campaign_id", "campaign_name", "message_id"),
        Column("channel", description="email or sms."),
        _key("event_type", "sent, delivered, open, click, bounce, unsubscribe or complaint."),
        _time("occurred_at", required=True),
        _EMAIL,
        _PHONE,
        _text("contact_id"),
        Column("link_url", description="Full address; staging keeps the path."),
    ),
    _table(
        "ad_spend",
        "Advertising cost by day and campaign.",
        ("spend_date", "platform", "campaign_id"),
        _day("spend_date"),
        Column("spend_date", kind="date", required=True, not_null=True),
        _text("platform", "campaign_id", "campaign_name", "traffic_source", "traffic_medium"),
        _text("currency"),
        _number("spend_amount", "impressions", "clicks"),
    ),
    _table(
        "feedback",
        "Reviews, testimonials, mystery-shopping visits and interview notes.",
        ("kind", "feedback_id"),
        _day("given_at"),
        _key("kind", "reviews, testimonials, mystery_visits or interviews."),
        _key("feedback_id"),
        _time("given_at", required=True),
        _text("channel", "touchpoint_id"),
        Column("place", description="Store, site or city that it is about."),
        _text("product_id"),
        _number("rating", "scale_min", "scale_max"),
        Column("theme", description="What it is about, in the words of who sorted it."),
        Column("feedback_text", description="Free text; staging masks it, and no mart carries it."),
        _text("language", "contact_id", "user_id", "loyalty_id"),
        _EMAIL,
    ),
    _table(
        "readings",
        "What is counted and checked: visitors, uptime, use of products, costs of the programme.",
        ("kind", "subject", "measured_at", "reading_id", "user_id", "client_id"),
        _day("measured_at"),
        _key("kind", "visitor_counts, uptime_checks, product_use or programme_costs."),
        _text("reading_id"),
        _time("measured_at", required=True),
        _key("subject", "What was measured: store, site, feature or item of cost."),
        _text("channel", "touchpoint_id"),
        Column("reading_value", kind="number", description="Visitors; or euros of cost."),
        Column("duration_seconds", kind="number", description="Of a use; between two checks."),
        _boolean("is_successful"),
        Column("valid_until", kind="timestamp", description="When the certificate ends."),
        _text("user_id", "client_id", "loyalty_id"),
    ),
    _table(
        "page_interactions",
        "How visitors moved about on a page and its sections, by day (a heatmap's figures).",
        ("interaction_date", "page_url", "section"),
        _day("interaction_date"),
        Column("interaction_date", kind="date", required=True, not_null=True),
        _key("page_url", "Address or path; staging keeps the path."),
        Column("section", description="Selector or name; blank for the page as a whole."),
        _number("view_count", "reached_count", "dwell_seconds", "click_count"),
        _number("rage_click_count", "dead_click_count", "hover_count"),
        _number("backtrack_count", "scroll_reversal_count"),
    ),
    _table(
        "benchmarks",
        "What others of the industry reach, by metric.",
        ("metric_id", "valid_from"),
        None,
        _key("metric_id", "A metric of the catalogue; its scale and unit are the metric's."),
        Column("valid_from", kind="date", required=True, not_null=True),
        Column("benchmark_value", kind="number", required=True, not_null=True),
        Column("benchmark_source", description="Who measured it, where, of whom."),
    ),
)

SPEC = VendorSpec(
    name="generic",
    family="any",
    tables=TABLES,
    docs_url="",
    description="Any CSV, JSON, Parquet or XLSX file whose columns are mapped in sources.yml.",
)
