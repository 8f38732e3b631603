"""Shopify: what its exports hold and how they land.

Two layouts of the same shop. `native` is the Admin REST API's objects, one JSON object a line or a
page a file, with lines, refunds and note attributes nested inside the order. `fivetran` is the
loader's CSV tables, where each nested list is a table of its own. Both land in the same raw tables,
so a column that only one layout fills is null for the other; what to make of that is staging's
business.
"""

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec


def _native(*names: str) -> tuple[FileRule, ...]:
    """Objects one a line, or pages as the API returns them: ``{"orders": [...]}``."""
    lines = FileRule(
        format="native", patterns=tuple(f"{name}*.jsonl" for name in names), reader="jsonl"
    )
    pages = tuple(
        FileRule(
            format="native",
            patterns=(f"{name}*.json",),
            reader="json",
            options={"records_path": name},
        )
        for name in names
    )
    return (lines, *pages)


def _fivetran(table: str) -> FileRule:
    # A loader writes the bare table name; its sample files carry the vendor as prefix.
    return FileRule(
        format="fivetran",
        patterns=(f"{table}.csv", f"shopify_{table}_data.csv"),
        reader="csv",
        options={"delimiter": ","},
    )


def _created_date(column: str = "created_at") -> str:
    # Every spelling starts with the ISO day; the offset differs between the layouts.
    return f"try_cast(left(trim({column}), 10) as date)"


ORDERS = TableSpec(
    name="orders",
    identifies_late=True,
    comes_again=True,
    people=People(
        things=(
            "line_items",
            "shipping_lines",
            "refunds",
            "payment_gateway_names",
            "source_name",
            "location_id",
        ),
        identifies={
            "id": "order",
            "name": "order",
            "order_number": "order",
            "token": "order",
            "cart_token": "order",
            "checkout_token": "order",
            "checkout_id": "order",
            "customer_id": "customer_ref",
            "customer$.id": "customer_ref",
            "note_attributes$[*].value": "client_id|user_id|loyalty_id",
            "line_items$[*].id": "order_line",
            "shipping_lines$[*].id": "shipping_line",
            "refunds$[*].id": "refund",
            "refunds$[*].refund_line_items[*].line_item_id": "order_line",
        },
        details=(
            "customer$.email",
            "customer$.phone",
            "customer$.first_name",
            "customer$.last_name",
        ),
        records=(
            "order",
            "order_line",
            "refund",
        ),
    ),
    natural_key=("id",),
    dt=_created_date(),
    files=(*_native("orders"), _fivetran("order")),
    description="Orders as the shop last knew them: an edited order is delivered again.",
    columns=(
        Column("id", required=True, not_null=True, description="Shopify's order id."),
        Column("name", description="Order name as the customer sees it, e.g. #1001."),
        Column("order_number", kind="integer", description="Number behind the name."),
        Column(
            "email",
            identifier="email",
            aliases=("contact_email",),
            description="E-mail given at checkout.",
        ),
        Column("phone", identifier="phone", description="Phone given at checkout."),
        Column("created_at", required=True, not_null=True, kind="timestamp"),
        Column(
            "processed_at",
            kind="timestamp",
            description="When the order was placed; earlier than created_at for imported orders.",
        ),
        Column("updated_at", kind="timestamp", description="Last change; the newest version wins."),
        Column("cancelled_at", kind="timestamp"),
        Column("cancel_reason"),
        Column("closed_at", kind="timestamp"),
        Column("currency", description="Shop currency, ISO 4217; every amount is in it."),
        Column(
            "subtotal_price",
            kind="number",
            description="Goods after discounts, before shipping; with tax if taxes_included.",
        ),
        Column("total_line_items_price", kind="number", description="Goods before discounts."),
        Column("total_discounts", kind="number"),
        Column("total_tax", kind="number", description="All tax, also when prices include it."),
        Column("total_price", required=True, kind="number", description="What was charged."),
        Column("taxes_included", kind="boolean", description="Whether prices include tax."),
        Column("financial_status", description="pending, authorized, paid, refunded, voided, …"),
        Column("fulfillment_status"),
        Column("source_name", description="web, pos, iphone, android, an app's name or id, …"),
        Column("test", kind="boolean", description="Placed through a test gateway."),
        Column("token"),
        Column("cart_token", description="The cart that became this order."),
        Column("checkout_token"),
        Column("checkout_id"),
        Column("location_id", description="Shop of a point-of-sale order."),
        Column("customer_id", description="Loader only; nested in customer natively."),
        Column("customer_locale"),
        Column("payment_gateway_names", kind="json", description="Native: gateways used."),
        Column(
            "note_attributes",
            kind="json",
            description="[{name, value}] set by the theme: ga_client_id, user_id, loyalty_id.",
        ),
        Column("customer", kind="json", description="Native: the customer object."),
        Column("line_items", kind="json", description="Native: the order's lines."),
        Column("shipping_lines", kind="json", description="Native: shipping charged."),
        Column("refunds", kind="json", description="Native: refunds with lines and payments."),
    ),
)

ORDER_LINES = TableSpec(
    name="order_lines",
    people=People(
        things=(
            "product_id",
            "variant_id",
            "sku",
            "title",
            "name",
        ),
        identifies={"id": "order_line", "order_id": "order"},
        records=("order_line",),
    ),
    natural_key=("id",),
    dt=None,
    files=(_fivetran("order_line"),),
    description="Lines of orders, as a loader unnests them.",
    columns=(
        Column("id", required=True, not_null=True),
        Column("order_id", required=True, not_null=True),
        Column("index", kind="integer", description="Position on the order."),
        Column("product_id"),
        Column("variant_id"),
        Column("sku"),
        Column("title"),
        Column("name"),
        Column("quantity", kind="integer"),
        Column("price", kind="number", description="Unit price before discounts."),
        Column("total_discount", kind="number"),
        Column("pre_tax_price", kind="number", description="Line after discounts, before tax."),
        Column("_fivetran_synced", kind="timestamp"),
    ),
)

DISCOUNT_ALLOCATIONS = TableSpec(
    name="discount_allocations",
    people=People(identifies={"order_line_id": "order_line"}),
    natural_key=("order_line_id", "index"),
    dt=None,
    files=(_fivetran("discount_allocation"),),
    description="Shares of discounts that fall on each order line, as a loader unnests them.",
    columns=(
        Column("order_line_id", required=True, not_null=True),
        Column("index", required=True, kind="integer"),
        Column("amount", kind="number"),
        Column("_fivetran_synced", kind="timestamp"),
    ),
)

TAX_LINES = TableSpec(
    name="tax_lines",
    people=People(identifies={"order_line_id": "order_line"}),
    natural_key=("order_line_id", "index"),
    dt=None,
    files=(_fivetran("tax_line"),),
    description="Taxes of each order line, as a loader unnests them.",
    columns=(
        Column("order_line_id", required=True, not_null=True),
        Column("index", required=True, kind="integer"),
        Column("price", kind="number", description="Tax amount."),
        Column("rate", kind="number"),
        Column("title"),
        Column("_fivetran_synced", kind="timestamp"),
    ),
)

ORDER_SHIPPING_LINES = TableSpec(
    name="order_shipping_lines",
    people=People(
        things=(
            "code",
            "title",
        ),
        identifies={"id": "shipping_line", "order_id": "order"},
        records=("shipping_line",),
    ),
    natural_key=("id",),
    dt=None,
    files=(_fivetran("order_shipping_line"),),
    description="Shipping charged on orders, as a loader unnests it.",
    columns=(
        Column("id", required=True, not_null=True),
        Column("order_id", required=True, not_null=True),
        Column("code"),
        Column("title"),
        Column("price", kind="number"),
        Column("discounted_price", kind="number"),
        Column("_fivetran_synced", kind="timestamp"),
    ),
)

ORDER_NOTE_ATTRIBUTES = TableSpec(
    name="order_note_attributes",
    people=People(identifies={"order_id": "order", "value": "client_id|user_id|loyalty_id"}),
    natural_key=("order_id", "name"),
    dt=None,
    files=(_fivetran("order_note_attribute"),),
    description="Note attributes of orders, as a loader unnests them; values are JSON texts.",
    columns=(
        Column("order_id", required=True, not_null=True),
        Column("name", required=True, not_null=True),
        Column("value"),
        Column("_fivetran_synced", kind="timestamp"),
    ),
)

REFUNDS = TableSpec(
    name="refunds",
    people=People(
        identifies={"id": "refund", "order_id": "order"}, details=("note",), records=("refund",)
    ),
    natural_key=("id",),
    dt=_created_date(),
    files=(_fivetran("refund"),),
    description="Refunds, as a loader unnests them from orders.",
    columns=(
        Column("id", required=True, not_null=True),
        Column("order_id", required=True, not_null=True),
        Column("created_at", required=True, not_null=True, kind="timestamp"),
        Column("processed_at", kind="timestamp"),
        Column("note", description="Free text of the staff member: may name a person."),
        Column("restock", kind="boolean"),
        Column("_fivetran_synced", kind="timestamp"),
    ),
)

ORDER_LINE_REFUNDS = TableSpec(
    name="order_line_refunds",
    people=People(
        things=("restock_type",),
        identifies={"id": "refund_line", "refund_id": "refund", "order_line_id": "order_line"},
        records=("refund_line",),
    ),
    natural_key=("id",),
    dt=None,
    files=(_fivetran("order_line_refund"),),
    description="Refunded lines, as a loader unnests them from refunds.",
    columns=(
        Column("id", required=True, not_null=True),
        Column("refund_id", required=True, not_null=True),
        Column("order_line_id"),
        Column("quantity", kind="integer"),
        Column("restock_type"),
        Column("subtotal", kind="number", description="Refunded amount before tax."),
        Column("total_tax", kind="number"),
        Column("_fivetran_synced", kind="timestamp"),
    ),
)

ORDER_ADJUSTMENTS = TableSpec(
    name="order_adjustments",
    people=People(
        identifies={"id": "adjustment", "order_id": "order", "refund_id": "refund"},
        records=("adjustment",),
    ),
    natural_key=("id",),
    dt=None,
    files=(_fivetran("order_adjustment"),),
    description="Refunded shipping and differences, negative amounts, as a loader unnests them.",
    columns=(
        Column("id", required=True, not_null=True),
        Column("order_id"),
        Column("refund_id", required=True, not_null=True),
        Column("amount", kind="number"),
        Column("tax_amount", kind="number"),
        Column("kind"),
        Column("reason"),
        Column("_fivetran_synced", kind="timestamp"),
    ),
)

TRANSACTIONS = TableSpec(
    name="transactions",
    people=People(
        things=(
            "gateway",
            "kind",
            "status",
        ),
        identifies={"id": "payment", "order_id": "order", "refund_id": "refund"},
        records=("payment",),
    ),
    natural_key=("id",),
    dt=_created_date(),
    files=(_fivetran("transaction"),),
    description="Payments and repayments, as a loader unnests them from orders and refunds.",
    columns=(
        Column("id", required=True, not_null=True),
        Column("order_id", required=True, not_null=True),
        Column("refund_id", description="The refund that this repayment belongs to."),
        Column("amount", kind="number"),
        Column("currency"),
        Column("gateway"),
        Column("kind", description="authorization, sale, capture, void, refund."),
        Column("status", description="success, pending, failure, error."),
        Column("created_at", required=True, not_null=True, kind="timestamp"),
        Column("test", kind="boolean"),
        Column("_fivetran_synced", kind="timestamp"),
    ),
)

CUSTOMERS = TableSpec(
    name="customers",
    people=People(
        identifies={"id": "customer_ref"},
        details=(
            "first_name",
            "last_name",
            "tags",
            "default_address",
        ),
    ),
    natural_key=("id",),
    dt=None,
    files=(*_native("customers"), _fivetran("customer")),
    description="Customer accounts of the shop, as they last were.",
    columns=(
        Column("id", required=True, not_null=True),
        Column("email", identifier="email"),
        Column("phone", identifier="phone"),
        Column("first_name"),
        Column("last_name"),
        Column("state", description="disabled, invited, enabled, declined."),
        Column("created_at", kind="timestamp"),
        Column("updated_at", kind="timestamp"),
        Column("verified_email", kind="boolean"),
        Column("accepts_marketing", kind="boolean"),
        Column("tags"),
        Column("default_address", kind="json", description="Native: the default address."),
    ),
)

ABANDONED_CHECKOUTS = TableSpec(
    name="abandoned_checkouts",
    people=People(
        things=(
            "line_items",
            "source_name",
        ),
        identifies={
            "id": "order",
            "token": "order",
            "cart_token": "order",
            "name": "order",
            "customer_id": "customer_ref",
            "customer$.id": "customer_ref",
            "note_attributes$[*].value": "client_id|user_id|loyalty_id",
        },
        details=(
            "customer$.email",
            "customer$.phone",
            "customer$.first_name",
            "customer$.last_name",
        ),
        records=("order",),
    ),
    natural_key=("id",),
    dt=_created_date(),
    files=(*_native("abandoned_checkouts", "checkouts"), _fivetran("abandoned_checkout")),
    description="Checkouts that were begun and left, some of them completed later.",
    columns=(
        Column("id", required=True, not_null=True),
        Column("token"),
        Column("cart_token"),
        Column("name", description="Checkout name; not the name of a later order."),
        Column("email", identifier="email"),
        Column("phone", identifier="phone"),
        Column("created_at", required=True, not_null=True, kind="timestamp"),
        Column("updated_at", kind="timestamp"),
        Column("completed_at", kind="timestamp"),
        Column("currency"),
        Column("total_price", kind="number"),
        Column("subtotal_price", kind="number"),
        Column("source_name"),
        Column("customer_id", description="Loader only; nested in customer natively."),
        Column("customer", kind="json"),
        Column("note_attributes", kind="json"),
        Column("line_items", kind="json"),
        Column("_fivetran_deleted", kind="boolean"),
    ),
)

INVENTORY_ITEMS = TableSpec(
    name="inventory_items",
    natural_key=("id",),
    dt=None,
    files=(*_native("inventory_items"), _fivetran("inventory_item")),
    description="Stock items: the only place where Shopify keeps the unit cost.",
    columns=(
        Column("id", required=True, not_null=True),
        Column("sku"),
        Column("cost", kind="number", aliases=("unit_cost_amount",)),
        Column("created_at", kind="timestamp"),
        Column("updated_at", kind="timestamp"),
    ),
)

SPEC = VendorSpec(
    name="shopify",
    family="commerce",
    tables=(
        ORDERS,
        ORDER_LINES,
        DISCOUNT_ALLOCATIONS,
        TAX_LINES,
        ORDER_SHIPPING_LINES,
        ORDER_NOTE_ATTRIBUTES,
        REFUNDS,
        ORDER_LINE_REFUNDS,
        ORDER_ADJUSTMENTS,
        TRANSACTIONS,
        CUSTOMERS,
        ABANDONED_CHECKOUTS,
        INVENTORY_ITEMS,
    ),
    docs_url="https://shopify.dev/docs/api/admin-rest/latest/resources/order",
    description="Shopify Admin API objects (JSON lines or pages), or a loader's CSV tables.",
)
