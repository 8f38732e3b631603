"""Google Analytics 4: the BigQuery export, one row an event, with nested parameters.

Daily tables (``events_YYYYMMDD``), intraday tables (``events_intraday_YYYYMMDD``) and fresh daily
tables (``events_fresh_YYYYMMDD``), exported as Parquet or newline JSON; the file's name says which.
A file that holds many days carries the name of each row's table in ``_table``. Exports of different
years and tools differ in members of the nested columns, and type a column that was null throughout
at random: all of them are brought to the one structure below.

``format: fivetran`` reads the flat table of that loader, whose ``param_…`` columns are parameters
again here; other ``param_…`` columns than those listed stay in ``_extra``.
"""

from __future__ import annotations

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec

_PARAM_VALUE = (
    "STRUCT(string_value VARCHAR, int_value BIGINT, float_value DOUBLE, double_value DOUBLE)"
)
_PARAMS = f"STRUCT(key VARCHAR, value {_PARAM_VALUE})[]"
_USER_PROPERTIES = (
    "STRUCT(key VARCHAR, value STRUCT(string_value VARCHAR, int_value BIGINT, "
    "float_value DOUBLE, double_value DOUBLE, set_timestamp_micros BIGINT))[]"
)
_PRIVACY = "STRUCT(analytics_storage VARCHAR, ads_storage VARCHAR, uses_transient_token VARCHAR)"
_DEVICE = (
    "STRUCT(category VARCHAR, mobile_brand_name VARCHAR, mobile_model_name VARCHAR, "
    "mobile_marketing_name VARCHAR, mobile_os_hardware_model VARCHAR, operating_system VARCHAR, "
    "operating_system_version VARCHAR, vendor_id VARCHAR, advertising_id VARCHAR, "
    "language VARCHAR, is_limited_ad_tracking VARCHAR, time_zone_offset_seconds BIGINT, "
    "browser VARCHAR, browser_version VARCHAR, "
    "web_info STRUCT(browser VARCHAR, browser_version VARCHAR, hostname VARCHAR))"
)
_GEO = (
    "STRUCT(city VARCHAR, country VARCHAR, continent VARCHAR, region VARCHAR, "
    "sub_continent VARCHAR, metro VARCHAR)"
)
_APP = (
    "STRUCT(id VARCHAR, version VARCHAR, install_store VARCHAR, firebase_app_id VARCHAR, "
    "install_source VARCHAR)"
)
_FIRST_SOURCE = "STRUCT(name VARCHAR, medium VARCHAR, source VARCHAR)"
_COLLECTED_SOURCE = (
    "STRUCT(manual_campaign_id VARCHAR, manual_campaign_name VARCHAR, manual_source VARCHAR, "
    "manual_medium VARCHAR, manual_term VARCHAR, manual_content VARCHAR, "
    "manual_source_platform VARCHAR, manual_creative_format VARCHAR, "
    "manual_marketing_tactic VARCHAR, gclid VARCHAR, dclid VARCHAR, srsltid VARCHAR)"
)
_LAST_CLICK_SOURCE = (
    "STRUCT(manual_campaign STRUCT(campaign_id VARCHAR, campaign_name VARCHAR, source VARCHAR, "
    "medium VARCHAR, term VARCHAR, content VARCHAR, source_platform VARCHAR, "
    "creative_format VARCHAR, marketing_tactic VARCHAR), "
    "google_ads_campaign STRUCT(customer_id VARCHAR, account_name VARCHAR, campaign_id VARCHAR, "
    "campaign_name VARCHAR, ad_group_id VARCHAR, ad_group_name VARCHAR), "
    "cross_channel_campaign STRUCT(campaign_id VARCHAR, campaign_name VARCHAR, source VARCHAR, "
    "medium VARCHAR, source_platform VARCHAR, default_channel_group VARCHAR, "
    "primary_channel_group VARCHAR))"
)
_PUBLISHER = (
    "STRUCT(ad_revenue_in_usd DOUBLE, ad_format VARCHAR, ad_source_name VARCHAR, "
    "ad_unit_id VARCHAR)"
)
_ECOMMERCE = (
    "STRUCT(total_item_quantity BIGINT, purchase_revenue_in_usd DOUBLE, purchase_revenue DOUBLE, "
    "refund_value_in_usd DOUBLE, refund_value DOUBLE, shipping_value_in_usd DOUBLE, "
    "shipping_value DOUBLE, tax_value_in_usd DOUBLE, tax_value DOUBLE, unique_items BIGINT, "
    "transaction_id VARCHAR)"
)
_ITEMS = (
    "STRUCT(item_id VARCHAR, item_name VARCHAR, item_brand VARCHAR, item_variant VARCHAR, "
    "item_category VARCHAR, item_category2 VARCHAR, item_category3 VARCHAR, "
    "item_category4 VARCHAR, item_category5 VARCHAR, price_in_usd DOUBLE, price DOUBLE, "
    "quantity BIGINT, item_revenue_in_usd DOUBLE, item_revenue DOUBLE, item_refund_in_usd DOUBLE, "
    "item_refund DOUBLE, coupon VARCHAR, affiliation VARCHAR, location_id VARCHAR, "
    "item_list_id VARCHAR, item_list_name VARCHAR, item_list_index VARCHAR, "
    "promotion_id VARCHAR, promotion_name VARCHAR, creative_name VARCHAR, "
    f"creative_slot VARCHAR, item_params {_PARAMS})[]"
)

# 2000 to 2099 in µs: a damaged time beyond what a timestamp can hold would stop every model.
_TIMES = (946_684_800_000_000, 4_102_444_800_000_000)

_FILE_KEY = r"(events_(?:intraday_|fresh_)?\d{8}(?:[-_]\d{6,})?)"

# Parameters that the loader flattens, with the member of the value that GA4 keeps them in.
_FLAT_PARAMETERS = {
    "param_ga_session_id": "string_value",
    "param_ga_session_number": "int_value",
    "param_engagement_time_msec": "int_value",
    "param_session_engaged": "string_value",
    "param_engaged_session_event": "string_value",
    "param_percent_scrolled": "int_value",
    "param_video_duration": "int_value",
    "param_campaign": "string_value",
    "param_medium": "string_value",
    "param_source": "string_value",
    "param_gclid": "string_value",
}
_MEMBERS = {"string_value": "VARCHAR", "int_value": "BIGINT"}


def _flat_parameters() -> str:
    """SQL that makes parameters of the loader's columns again, without those that are null."""
    members = []
    for column, member in _FLAT_PARAMETERS.items():
        value = ", ".join(
            f"{name} := try_cast({column} as {kind})"
            if name == member
            else f"{name} := cast(null as {kind})"
            for name, kind in (
                *_MEMBERS.items(),
                ("float_value", "DOUBLE"),
                ("double_value", "DOUBLE"),
            )
        )
        members.append(
            f"case when {column} is not null then struct_pack(key := "
            f"'{column.removeprefix('param_')}', value := struct_pack({value})) end"
        )
    return f"list_filter([{', '.join(members)}], lambda x: x is not null)"


_FLAT_COLUMNS = {
    "event_date": "strftime(cast(date as date), '%Y%m%d')",
    "event_timestamp": "epoch_us(cast(timestamp as timestamp))",
    "event_name": "name",
    "event_params": _flat_parameters(),
    "user_first_touch_timestamp": "epoch_us(cast(user_first_touch_timestamp as timestamp))",
    "device": f"cast({{'category': device_category}} as {_DEVICE})",
    "geo": (f"cast({{'city': geo_city, 'country': geo_country, 'region': geo_region}} as {_GEO})"),
    "traffic_source": (
        "cast({'name': traffic_source_name, 'medium': traffic_source_medium, "
        f"'source': traffic_source_source}} as {_FIRST_SOURCE})"
    ),
    "collected_traffic_source": (
        "cast({'manual_source': collected_traffic_source_manual_source, "
        f"'manual_medium': collected_traffic_source_manual_medium}} as {_COLLECTED_SOURCE})"
    ),
    "event_dimensions": "{'hostname': event_dimensions_hostname}",
    "ecommerce": (
        "cast({'transaction_id': ecommerce_transaction_id, "
        "'total_item_quantity': ecommerce_total_item_quantity, "
        "'purchase_revenue_in_usd': ecommerce_purchase_revenue_in_usd, "
        f"'refund_value_in_usd': ecommerce_refund_value_in_usd}} as {_ECOMMERCE})"
    ),
    "platform": "upper(platform)",
}


EVENTS = TableSpec(
    name="events",
    people=People(
        things=(
            "items",
            "event_name",
            "stream_id",
            "platform",
            "app_info",
            "event_dimensions",
            "device.web_info.hostname",
        ),
        identifies={
            "user_pseudo_id": "client_id",
            "user_id": "user_id",
            "ecommerce.transaction_id": "~order",
        },
    ),
    natural_key=(
        "stream_id",
        "user_pseudo_id",
        "event_name",
        "event_timestamp",
        "event_bundle_sequence_id",
    ),
    dt="coalesce(try_strptime(event_date, '%Y%m%d'), try_cast(event_date as timestamp))",
    files=(
        FileRule(
            format="native",
            patterns=("**/events_*.parquet",),
            reader="parquet",
            file_key=_FILE_KEY,
        ),
        FileRule(
            format="native",
            patterns=("**/events_*.json", "**/events_*.jsonl", "**/events_*.ndjson"),
            reader="jsonl",
            file_key=_FILE_KEY,
        ),
        FileRule(
            format="fivetran",
            patterns=("**/event*.csv",),
            reader="csv",
            options={"columns": _FLAT_COLUMNS},
        ),
    ),
    description="Events of all streams as Google Analytics exports them, every delivery.",
    keeps_files=True,
    columns=(
        Column(
            "event_date",
            required=True,
            not_null=True,
            kind="date",
            description="Day, property time zone.",
        ),
        Column(
            "event_timestamp",
            "BIGINT",
            required=True,
            not_null=True,
            within=_TIMES,
            description="µs, UTC.",
        ),
        Column("event_name", required=True, not_null=True),
        Column("event_params", _PARAMS, description="Parameters of the event."),
        Column("event_previous_timestamp", "BIGINT"),
        Column("event_value_in_usd", "DOUBLE"),
        Column("event_bundle_sequence_id", "BIGINT", aliases=("bundle_sequence_id",)),
        Column("event_server_timestamp_offset", "BIGINT"),
        Column("user_id", description="Id that the site sets at login."),
        Column("user_pseudo_id", description="Client id: cookie or app instance."),
        Column("privacy_info", _PRIVACY, description="Consent Mode state."),
        Column("user_properties", _USER_PROPERTIES),
        Column("user_first_touch_timestamp", "BIGINT"),
        Column("user_ltv", "STRUCT(revenue DOUBLE, currency VARCHAR)"),
        Column("device", _DEVICE),
        Column("geo", _GEO),
        Column("app_info", _APP),
        Column(
            "traffic_source", _FIRST_SOURCE, description="First touch of the user, not session."
        ),
        Column("collected_traffic_source", _COLLECTED_SOURCE),
        Column(
            "session_traffic_source_last_click",
            _LAST_CLICK_SOURCE,
            description="Last click of the session, as GA4 attributes it.",
        ),
        Column("publisher", _PUBLISHER),
        Column("stream_id"),
        Column("platform", description="WEB, IOS, ANDROID."),
        Column("event_dimensions", "STRUCT(hostname VARCHAR)"),
        Column("ecommerce", _ECOMMERCE),
        Column("items", _ITEMS),
        Column("is_active_user", "BOOLEAN"),
        Column("batch_event_index", "BIGINT"),
        Column("batch_page_id", "BIGINT"),
        Column("batch_ordering_id", "BIGINT"),
        Column("_table", description="Table that the row was read from, where a file holds many."),
    ),
)

SPEC = VendorSpec(
    name="ga4",
    family="web",
    tables=(EVENTS,),
    docs_url="https://support.google.com/analytics/answer/7029846",
    description="Google Analytics 4 BigQuery export, Parquet or newline JSON.",
)
