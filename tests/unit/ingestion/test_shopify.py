"""Shopify's two layouts land in the same raw tables."""

import json
from datetime import date

import pytest

ORDER = {
    "id": 450789469,
    "name": "#1001",
    "email": "Aino.Virtanen@kauppa.example",
    "phone": None,
    "created_at": "2026-03-01T00:30:00+02:00",
    "updated_at": "2026-03-02T10:00:00+02:00",
    "currency": "EUR",
    "subtotal_price": "124.00",
    "total_tax": "24.00",
    "total_price": "124.00",
    "taxes_included": True,
    "financial_status": "paid",
    "source_name": "web",
    "test": False,
    "note_attributes": [{"name": "ga_client_id", "value": "1.2"}],
    "line_items": [{"id": 1, "sku": "A-1", "quantity": 2, "price": "62.00"}],
    "refunds": [],
    "customer": {"id": 207119551, "email": "aino.virtanen@kauppa.example"},
    "landing_site": "/kampanja/kevat",
}


def _lines(*records: dict) -> str:
    return "\n".join(json.dumps(record) for record in records) + "\n"


def test_native_order_keeps_its_nested_values_as_json(land_files):
    raw = land_files("shopify", {"orders_2026-03.jsonl": _lines(ORDER)})

    [row] = raw.rows("shopify", "orders")
    assert row["name"] == "#1001"
    assert json.loads(row["line_items"]) == ORDER["line_items"]
    assert json.loads(row["note_attributes"]) == ORDER["note_attributes"]
    assert row["taxes_included"] == "true"
    assert json.loads(row["_extra"]) == {"landing_site": "/kampanja/kevat"}
    assert row["dt"] == date(2026, 3, 1)


def test_page_of_the_api_lands_its_records(land_files):
    page = {"orders": [ORDER, {**ORDER, "id": 2, "name": "#1002"}]}
    raw = land_files("shopify", {"orders_page_1.json": json.dumps(page, indent=1)})

    assert [row["name"] for row in raw.rows("shopify", "orders")] == ["#1001", "#1002"]


def test_same_address_has_the_same_hash_in_orders_customers_and_checkouts(land_files):
    customer = {"id": 207119551, "email": " aino.virtanen@KAUPPA.example"}
    checkout = {
        "id": 9,
        "email": "AINO.VIRTANEN@kauppa.example",
        "created_at": "2026-03-01T10:00:00+02:00",
    }
    raw = land_files(
        "shopify",
        {
            "orders.jsonl": _lines(ORDER),
            "customers.jsonl": _lines(customer),
            "abandoned_checkouts.jsonl": _lines(checkout),
        },
    )

    hashes = {
        raw.rows("shopify", table)[0]["email__hash"]
        for table in ("orders", "customers", "abandoned_checkouts")
    }
    assert len(hashes) == 1
    assert None not in hashes


def test_order_without_id_goes_to_quarantine_and_the_others_land(land_files):
    nameless = {**ORDER, "id": None}
    dateless = {**ORDER, "id": 2, "created_at": "yesterday"}
    raw = land_files("shopify", {"orders.jsonl": _lines(ORDER, nameless, dateless)})

    assert [row["id"] for row in raw.rows("shopify", "orders")] == ["450789469"]
    assert [(row["line"], row["column_name"], row["reason_code"]) for row in raw.quarantined()] == [
        (2, "id", "blank_value"),
        (3, "created_at", "not_a_timestamp"),
    ]


def test_loader_tables_land_beside_native_ones(land_files):
    orders = (
        "id,name,email,created_at,total_price,customer_id,test,_fivetran_synced\n"
        "1,#1001,a@kauppa.example,2026-03-01 10:00:00.000,10.00,77,FALSE,2026-03-02 00:00:00\n"
    )
    lines = "order_id,id,index,sku,quantity,price\n1,11,1,A-1,1,10.00\n"
    raw = land_files(
        "shopify",
        {"shopify_order_data.csv": "\ufeff" + orders, "order_line.csv": lines},
        layout="fivetran",
    )

    assert [
        (row["id"], row["customer_id"], row["test"], row["line_items"])
        for row in raw.rows("shopify", "orders")
    ] == [("1", "77", "FALSE", None)]
    assert [
        (row["order_id"], row["id"], row["index"]) for row in raw.rows("shopify", "order_lines")
    ] == [("1", "11", "1")]


@pytest.mark.parametrize(
    ("layout", "name", "content"),
    [
        ("native", "inventory_items.jsonl", '{"id": 1, "sku": "A-1", "cost": "20.00"}\n'),
        ("fivetran", "inventory_item.csv", "id,sku,unit_cost_amount\n1,A-1,20.00\n"),
    ],
)
def test_unit_cost_is_read_under_the_names_of_both_layouts(land_files, layout, name, content):
    raw = land_files("shopify", {name: content}, layout=layout)

    assert [(row["sku"], row["cost"]) for row in raw.rows("shopify", "inventory_items")] == [
        ("A-1", "20.00")
    ]
