"""Advertising spend: daily cost per campaign, in a documented CSV of our own.

One row per day, platform, campaign and link tagging. A later file that holds the same day restates
it: platforms correct cost for days after.
"""

from __future__ import annotations

from orchestration.ingestion.specs import Column, FileRule, TableSpec, VendorSpec

SPEND = TableSpec(
    name="spend",
    columns=(
        Column("date", required=True, not_null=True, kind="date", description="Day, YYYY-MM-DD."),
        Column("platform", required=True, not_null=True, description="google_ads, meta, …"),
        Column("campaign_id", required=True, not_null=True, description="Campaign."),
        Column("campaign_name", description="Campaign name, as utm_campaign carries it."),
        Column("utm_source", description="Traffic source that the links carry."),
        Column("utm_medium", description="Traffic medium that the links carry."),
        Column("currency", description="ISO 4217 code."),
        Column("cost", required=True, kind="number", description="Cost in that currency."),
        Column("impressions", kind="number", description="Times shown."),
        Column("clicks", kind="number", description="Times clicked."),
    ),
    natural_key=("date", "platform", "campaign_id", "utm_source", "utm_medium", "currency"),
    dt="try_cast(date as date)",
    files=(FileRule("native", ("spend*.csv", "ad_spend*.csv"), "csv"),),
    description="One row per day, platform, campaign, source, medium and currency.",
)

SPEC = VendorSpec(
    name="ad_spend",
    family="marketing",
    tables=(SPEND,),
    docs_url="docs/csv_layouts.md",
    description="Daily advertising cost per campaign, in our documented CSV layout.",
)
