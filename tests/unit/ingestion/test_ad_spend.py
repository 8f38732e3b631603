from __future__ import annotations

SPEND = """\
date,platform,campaign_id,campaign_name,utm_source,utm_medium,currency,cost,impressions,clicks
2026-02-01,google_ads,g1,kevat,google,cpc,EUR,120.50,10000,321
2026-02-02,google_ads,g1,kevat,google,cpc,EUR,free,10000,321
"""


def test_spend_is_partitioned_by_day_and_a_cost_that_is_no_number_is_quarantined(land_files):
    raw = land_files("ad_spend", {"spend.csv": SPEND})

    (row,) = raw.rows("ad_spend", "spend")
    assert str(row["dt"]) == "2026-02-01"
    assert row["cost"] == "120.50"
    (rejected,) = raw.quarantined()
    assert (rejected["line"], rejected["column_name"]) == (3, "cost")
