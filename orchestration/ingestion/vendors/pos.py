"""Point of sale: receipts, their lines and the feedback that is asked for by SMS.

Tills have no common export format, so this is ours: three CSV files with a header, times in the
shops' local time without an offset. A return is a receipt of its own with negative quantities and
amounts; `original_receipt_id` names the sale where the till knew it.
"""

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec


def _csv(name: str) -> FileRule:
    return FileRule(format="native", patterns=(f"{name}*.csv",), reader="csv")


RECEIPTS = TableSpec(
    name="receipts",
    identifies_late=True,
    people=People(
        things=(
            "store_id",
            "till_id",
            "cashier_id",
            "payment_method",
        ),
        identifies={
            "receipt_id": "order",
            "original_receipt_id": "order",
            "loyalty_id": "loyalty_id",
        },
        records=("order",),
    ),
    natural_key=("receipt_id",),
    dt="try_cast(left(trim(sold_at), 10) as date)",
    files=(_csv("receipts"),),
    description="Receipts of the shops' tills, sales and returns.",
    columns=(
        Column("receipt_id", required=True, not_null=True, description="Unique over all tills."),
        Column("store_id", required=True, not_null=True),
        Column("till_id"),
        Column(
            "sold_at",
            required=True,
            not_null=True,
            kind="timestamp",
            description="Local time of the shop, e.g. 2026-03-01 14:05:09.",
        ),
        Column("currency", description="ISO 4217."),
        Column(
            "total_amount",
            required=True,
            not_null=True,
            kind="number",
            description="Paid, with VAT; negative for a return.",
        ),
        Column("vat_amount", kind="number", description="VAT inside the total."),
        Column(
            "discount_amount", kind="number", description="Discounts given, positive, with VAT."
        ),
        Column("payment_method", description="card, cash, mobile, gift_card, invoice."),
        Column("loyalty_id", description="Loyalty card shown at the till."),
        Column("cashier_id"),
        Column("original_receipt_id", description="Return: the sale it takes back."),
        Column("return_reason", description="Return: reason code."),
        Column("is_training", kind="boolean", description="Rung up in training mode."),
    ),
)

RECEIPT_LINES = TableSpec(
    name="receipt_lines",
    identifies_late=True,
    people=People(
        things=(
            "sku",
            "product_name",
        ),
        identifies={"receipt_id": "order"},
    ),
    natural_key=("receipt_id", "line_number"),
    dt=None,
    files=(_csv("receipt_lines"),),
    description="Lines of the receipts.",
    columns=(
        Column("receipt_id", required=True, not_null=True),
        Column("line_number", required=True, not_null=True, kind="integer"),
        Column("sku", required=True),
        Column("product_name"),
        Column("quantity", required=True, kind="number", description="Negative for a return."),
        Column("unit_price", kind="number", description="Shelf price with VAT."),
        Column("discount_amount", kind="number", description="Discount of the line, positive."),
        Column("line_total", required=True, kind="number", description="Paid, with VAT."),
        Column("vat_amount", kind="number", description="VAT inside line_total."),
        Column("unit_cost", kind="number", description="Purchase cost without VAT, if known."),
    ),
)

SMS_FEEDBACK = TableSpec(
    name="sms_feedback",
    people=People(
        things=(
            "store_id",
            "delivery_status",
        ),
        identifies={"feedback_id": "feedback", "receipt_id": "order", "loyalty_id": "loyalty_id"},
        details=("message",),
        records=("feedback",),
    ),
    natural_key=("feedback_id",),
    dt="try_cast(left(trim(sent_at), 10) as date)",
    files=(_csv("sms_feedback"),),
    description=(
        "Text messages that ask how the visit to the shop was (1–5), with the reply if one came."
    ),
    columns=(
        Column("feedback_id", required=True, not_null=True),
        Column("receipt_id", description="The visit that was asked about."),
        Column("store_id"),
        Column("phone", required=True, identifier="phone", description="Who was asked."),
        Column("loyalty_id"),
        Column("language", description="fi, sv or en."),
        Column("delivery_status", description="delivered or failed."),
        Column("sent_at", required=True, not_null=True, kind="timestamp", description="Local."),
        Column("received_at", kind="timestamp", description="Local time of the reply, if any."),
        Column(
            "message", description="The reply as typed: a number from 1 to 5, often with words."
        ),
    ),
)

SPEC = VendorSpec(
    name="pos",
    family="commerce",
    tables=(RECEIPTS, RECEIPT_LINES, SMS_FEEDBACK),
    docs_url="docs/csv_layouts.md",
    description="Store receipts, receipt lines and SMS feedback as CSV (format of this project).",
)
