from __future__ import annotations

from orchestration.ingestion.row_identity import late_row_ids
from orchestration.ingestion.vendors import email_campaigns

EVENTS = """\
campaign_id,campaign_name,message_id,event,occurred_at,email,contact_id,url,user_agent
N1,Kevät,m1,sent,2026-02-01T08:00:00+02:00,aino@posti.example,501,,
N1,Kevät,m1,click,2026-02-01T09:00:00+02:00,aino@posti.example,501,https://www.kauppa.example/a,UA
N1,Kevät,,open,2026-02-01T09:00:00+02:00,aino@posti.example,501,,
"""


def test_events_land_with_hashes_and_one_without_its_message_is_quarantined(land_files):
    raw = land_files("email_campaigns", {"events_202602.csv": EVENTS})

    sent, click = raw.rows("email_campaigns", "events")
    assert (sent["event"], click["event"]) == ("sent", "click")
    assert sent["email__hash"] == click["email__hash"]
    assert sent["campaign_name"] == "Kevät"
    assert str(sent["dt"]) == "2026-02-01"
    (rejected,) = raw.quarantined()
    assert (rejected["line"], rejected["column_name"]) == (4, "message_id")


def test_the_same_file_twice_adds_nothing(land_files):
    land_files("email_campaigns", {"events_202602.csv": EVENTS})
    raw = land_files("email_campaigns", {"events_202602.csv": EVENTS})

    assert len(raw.rows("email_campaigns", "events")) == 2


def test_a_row_in_a_second_file_has_the_same_row_id(land_files):
    raw = land_files("email_campaigns", {"events_a.csv": EVENTS, "events_b.csv": EVENTS})

    table = email_campaigns.EVENTS
    ids = [
        list(late_row_ids(table, file, range(2)).values())
        for file in raw.root.glob("email_campaigns/events/dt=2026-*/*.parquet")
    ]
    assert sum(len(found) for found in ids) == 4
    assert len({row_id for found in ids for row_id in found}) == 2
