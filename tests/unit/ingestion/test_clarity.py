"""Microsoft Clarity: a file a day of figures, each with its values by page."""

import json

FIGURES = [
    {
        "metricName": "RageClickCount",
        "information": [{"Url": "https://a.example/kassa?x=1", "sessionsCount": "4"}],
    },
    {"metricName": "Traffic", "information": []},
]


def test_each_figure_is_a_row_that_keeps_its_pages_and_its_file(land_files):
    raw = land_files("clarity", {"insights_2026-10-30.json": json.dumps(FIGURES)})

    rows = {row["metricName"]: row for row in raw.rows("clarity", "insights")}
    assert set(rows) == {"RageClickCount", "Traffic"}
    assert json.loads(rows["RageClickCount"]["information"]) == FIGURES[0]["information"]
    assert "insights_2026-10-30" in rows["Traffic"]["_source_file"]
