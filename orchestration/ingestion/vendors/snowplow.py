"""Snowplow: enriched events as the pipeline writes them, the table `atomic.events`.

The enriched stream is tab-separated, without header and without quotes, its 131 fields in a fixed
order; an unload of the table is CSV with a header. Both name the same fields. Contexts and
self-describing events stay JSON text.
"""

from __future__ import annotations

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec

# The documented order of the enriched stream.
_ORDER = """
app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id
name_tracker v_tracker v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid
domain_sessionidx network_userid geo_country geo_region geo_city geo_zipcode geo_latitude
geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title
page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery
page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery
refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term mkt_content
mkt_campaign contexts se_category se_action se_label se_property se_value unstruct_event
tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid
ti_sku ti_name ti_category ti_price ti_quantity pp_xoffset_min pp_xoffset_max pp_yoffset_min
pp_yoffset_max useragent br_name br_family br_version br_type br_renderengine br_lang
br_features_pdf br_features_flash br_features_java br_features_director br_features_quicktime
br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight
br_cookies br_colordepth br_viewwidth br_viewheight os_name os_family os_manufacturer
os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width
doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base
base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp refr_domain_userid
refr_device_tstamp derived_contexts domain_sessionid derived_tstamp event_vendor event_name
event_format event_version event_fingerprint true_tstamp
"""

_REQUIRED = {"event_id", "collector_tstamp"}
_JSON = {"contexts", "unstruct_event", "derived_contexts"}
_NUMBERS = {"tr_total", "tr_tax", "tr_shipping", "ti_price", "ti_quantity", "se_value"}


def _column(name: str) -> Column:
    if name in _JSON:
        return Column(name, kind="json")
    if name in _NUMBERS:
        return Column(name, kind="number")
    if name.endswith("_tstamp"):
        required = name in _REQUIRED
        return Column(name, kind="timestamp", required=required, not_null=required)
    return Column(name, required=name in _REQUIRED, not_null=name in _REQUIRED)


EVENTS = TableSpec(
    name="events",
    people=People(
        identifies={
            "event_id": "web_event",
            "event_fingerprint": "web_event",
            "user_id": "user_id",
            "domain_userid": "client_id",
            "refr_domain_userid": "client_id",
            "network_userid": "device",
            "domain_sessionid": "web_session",
            "txn_id": "~order",
            "tr_orderid": "~order",
            "ti_orderid": "~order",
        },
        details=(
            "user_ipaddress",
            "user_fingerprint",
            "geo_zipcode",
            "geo_latitude",
            "geo_longitude",
        ),
        records=(
            "web_event",
            "device",
            "web_session",
        ),
    ),
    natural_key=("event_id",),
    dt="try_cast(left(trim(coalesce(derived_tstamp, collector_tstamp)), 10) as date)",
    files=(
        FileRule(
            format="native",
            patterns=("**/*.tsv", "**/part-*.txt"),
            reader="csv",
            options={"header": False, "delimiter": "\t", "quote": ""},
        ),
        FileRule(format="native", patterns=("**/*.csv",), reader="csv"),
    ),
    description="Enriched events.",
    columns=tuple(_column(name) for name in _ORDER.split()),
)

SPEC = VendorSpec(
    name="snowplow",
    family="web",
    tables=(EVENTS,),
    docs_url="https://docs.snowplow.io/docs/fundamentals/canonical-event/",
    description="Snowplow enriched events, TSV or CSV with header.",
)
