"""Microsoft Clarity: the dashboard's figures by page, as its Data Export API returns them.

The API tells the last one to three days and says nowhere which: fetch it once a day with
``numOfDays=1&dimension1=URL`` and keep the day in the file's name.
"""

from orchestration.ingestion.specs import Column, FileRule, TableSpec, VendorSpec

INSIGHTS = TableSpec(
    name="insights",
    natural_key=("metricName", "_source_file"),
    dt=None,
    files=(FileRule(format="native", patterns=("insights_*.json",), reader="json"),),
    description="One figure of the dashboard with its values by page.",
    columns=(
        Column(
            "metricName",
            required=True,
            not_null=True,
            description="Traffic, RageClickCount, DeadClickCount, QuickbackClick, …",
        ),
        Column(
            "information",
            required=True,
            kind="json",
            description="[{Url, sessionsCount, pagesViews, subTotal, …}].",
        ),
    ),
)

SPEC = VendorSpec(
    name="clarity",
    family="web",
    tables=(INSIGHTS,),
    docs_url="https://learn.microsoft.com/en-us/clarity/setup-and-installation/"
    "clarity-data-export-api",
    description="Figures by page from the Data Export API, a file a day: insights_YYYY-MM-DD.json"
    " (numOfDays=1, dimension1=URL).",
)
