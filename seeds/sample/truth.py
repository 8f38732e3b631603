"""The truth: who is who, what truly happened, and what was planted. Ingestion never reads it.

Tables are Parquet; `manifest.json` names them with their columns, the seed and the sizes. Times are
UTC microseconds in `_at` columns of type TIMESTAMP.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from seeds.sample.defects.deliveries import BrokenRow
from seeds.sample.defects.records import PLACEHOLDER_EMAIL
from seeds.sample.episodes import Episode
from seeds.sample.exports.files import write_parquet
from seeds.sample.metric_truth import rows as metric_values
from seeds.sample.web_sessions import STAGES
from seeds.sample.world import World, texts

#: Records that show several identifiers of one person together: table and its columns by type.
_EVIDENCE: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "hubspot.contacts",
        "hubspot_contacts",
        {
            "contact_id": "id",
            "email": "email",
            "phone": "phone",
            "loyalty_id": "loyalty_id",
            "user_id": "web_user_id",
            "client_id": "web_client_id",
        },
    ),
    (
        "shopify.orders",
        "shopify_orders",
        {
            "customer_ref": "customer_id",
            "email": "email",
            "phone": "phone",
            "loyalty_id": "loyalty_id",
            "user_id": "user_id",
            "client_id": "client_id",
        },
    ),
    (
        "shopify.customers",
        "shopify_customers",
        {"customer_ref": "id", "email": "email", "phone": "phone"},
    ),
    (
        "shopify.abandoned_checkouts",
        "shopify_checkouts",
        {"email": "email", "phone": "phone", "client_id": "client_id", "user_id": "user_id"},
    ),
    (
        "zendesk.users",
        "zendesk_users",
        {"contact_id": "external_id", "email": "email", "phone": "phone"},
    ),
    (
        "call_centre.contacts",
        "call_centre_contacts",
        {
            "phone": "phone",
            "email": "email",
            "loyalty_id": "loyalty_id",
            "client_id": "client_id",
        },
    ),
    ("pos.receipts", "pos_receipts", {"loyalty_id": "loyalty_id"}),
    ("care_contracts", "contracts", {"email": "email", "loyalty_id": "loyalty_id"}),
    ("pos.sms_feedback", "pos_sms_feedback", {"phone": "phone", "loyalty_id": "loyalty_id"}),
    (
        "questback.invitations",
        "questback_invitations_purchase",
        {"email": "email", "contact_id": "contact_id"},
    ),
    (
        "questback.invitations",
        "questback_invitations_relationship",
        {"email": "email", "contact_id": "contact_id"},
    ),
    (
        "questback.responses",
        "questback_responses_purchase",
        {"email": "email", "contact_id": "contact_id", "loyalty_id": "loyalty_id"},
    ),
    (
        "questback.responses",
        "questback_responses_relationship",
        {"email": "email", "contact_id": "contact_id", "loyalty_id": "loyalty_id"},
    ),
    ("typeform.responses", "typeform_service", {"email": "email", "contact_id": "contact_id"}),
    ("typeform.responses", "typeform_content", {"client_id": "client_id", "user_id": "user_id"}),
    (
        "email_campaigns.events",
        "email_campaigns_events",
        {"email": "email", "contact_id": "contact_id"},
    ),
)
_NORMAL = {
    "email": "lower(trim(cast({0} as varchar)))",
    "phone": "case when {0} like '0%' then '+358' || replace({0}[2:], ' ', '')"
    " else replace({0}, ' ', '') end",
}


def prepare_identifiers(world: World) -> None:
    """Find every identifier in the exports, its person, and what records show together."""
    _collect_evidence(world)
    world.run(
        f"""
        create or replace table identifiers as
        with seen as (
            select
                type, value, person, string_agg(distinct source, ',' order by source) as sources,
                count(*) as records
            from evidence
            group by type, value, person
        )

        select
            row_number() over (order by s.type, s.value, s.person) - 1 as number,
            s.*,
            count(*) over (partition by s.type, s.value) > 1 as is_shared,
            s.value = '{PLACEHOLDER_EMAIL}' or s.value like '%(at)%' or s.value like '%@test.%'
            or s.value in ('null', 'undefined', 'testi@kauppa.example')
            or (s.type = 'user_id' and s.value like '%@%')
                as is_blocked
        from seen as s
        order by number
        """
    )
    edges = world.fetch(
        """
        with sound as (
            select e.record, i.number
            from evidence as e
            inner join identifiers as i
                on e.type = i.type and e.value = i.value and e.person = i.person
            where not i.is_shared and not i.is_blocked
        )

        select distinct a.number as first, b.number as second
        from sound as a
        inner join sound as b on a.record = b.record and a.number < b.number
        order by first, second
        """
    )
    size = world.count("select count(*) from identifiers")
    graph = coo_matrix(
        (np.ones(len(edges["first"]), dtype=np.int8), (edges["first"], edges["second"])),
        shape=(size, size),
    )
    _, label = connected_components(graph, directed=False)
    world.put("linkable_groups", {"number": np.arange(size), "linkable_group": label})


def _collect_evidence(world: World) -> None:
    world.run(
        "create or replace table evidence"
        " (record varchar, source varchar, person bigint, type varchar, value varchar)"
    )
    for source, table, columns in _EVIDENCE:
        for kind, column in columns.items():
            value = _NORMAL.get(kind, "cast({0} as varchar)").format(column)
            world.run(
                f"""
                insert into evidence
                select distinct '{table}' || person || md5(concat_ws('|', {
                    ", ".join(f"cast({c} as varchar)" for c in columns.values())
                })),
                    '{source}', person, '{kind}', {value}
                from {table}
                where {column} is not null and person is not null
                """
            )
    world.run(
        """
        insert into evidence
        select 'merge' || merged_number, 'hubspot.contact_merge_audit', person, 'contact_id',
            cast(unnest([surviving_number, merged_number]) as varchar)
        from contact_merges
        """
    )
    # A visit shows its cookie and, once logged in, its user.
    world.run(
        """
        create or replace table visits_seen as
        select distinct person, user_pseudo_id, user_id from events
        where person >= 0 and user_pseudo_id is not null
        """
    )
    for kind, column in (("client_id", "user_pseudo_id"), ("user_id", "user_id")):
        world.run(
            f"""
            insert into evidence
            select 'ga4' || concat_ws('|', person, user_pseudo_id, user_id), 'ga4.events', person,
                '{kind}', {column}
            from visits_seen where {column} is not null
            """
        )


def write(
    world: World,
    folder: Path,
    out: Path,
    planted: dict[str, Episode],
    broken: list[BrokenRow],
) -> None:
    """Write the truth.

    Args:
        world: The finished world, with its ledger closed.
        folder: Where to write.
        out: Folder of the exports, in which broken rows have their line numbers.
        planted: The episodes.
        broken: Rows that must be quarantined.
    """
    end = world.calendar.end
    folder.mkdir(parents=True, exist_ok=True)
    world.put("stages", {"intent": np.arange(len(STAGES)), "journey_stage": texts(STAGES)})
    episodes = list(planted.values())
    world.put(
        "episodes",
        {
            "episode_id": texts([e.episode_id for e in episodes]),
            "started_at": np.array([e.started_at for e in episodes]),
            "ended_at": np.array([e.ended_at for e in episodes]),
            "where": texts([e.where for e in episodes]),
            "effect": texts([e.effect for e in episodes]),
        },
    )
    lines = {
        file: (out / file).read_bytes().decode("utf-8", errors="replace").splitlines()
        for file in {row.file for row in broken}
    }
    world.put(
        "quarantine",
        {
            "source_file": texts([row.file for row in broken]),
            "line": np.array([_line_of(lines[row.file], row.record) for row in broken]),
            "reason": texts([row.reason for row in broken]),
            "record": texts([row.record for row in broken]),
        },
    )
    described = {}
    for name, sql in _TABLES.items():
        write_parquet(world.con, sql, folder / f"{name}.parquet", end)
        columns = world.con.execute(f"describe {sql}").fetchall()
        described[name] = {
            "rows": world.count(f"select count(*) from ({sql})"),
            "columns": {column[0]: column[1] for column in columns},
        }
    settings = world.settings
    manifest = {
        "seed": settings.seed,
        "customers": settings.customers,
        "days": settings.days,
        "start_date": settings.start_date.isoformat(),
        "end_date": settings.end_date.isoformat(),
        "tables": described,
    }
    (folder / "manifest.json").write_text(
        json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def _line_of(lines: list[str], record: str) -> int:
    for number, line in enumerate(lines, start=1):
        if line == record or line.startswith(record[:30]):
            return number
    raise ValueError("a broken row is not in its file: the writer lost it")


_TABLES = {
    "people": """
        select person_id, household_id, is_customer, persona_id, language, is_churner,
            make_timestamp(joined_at) as joined_at,
            case when is_churner then make_timestamp(left_at) end as left_at,
            round(latent, 4) as latent_satisfaction, is_contact, is_registered, is_member,
            loyalty_id, has_email_consent, has_sms_consent,
            case when opted_out_at < (select "end" from window_bounds)
                then make_timestamp(opted_out_at) end as opted_out_at,
            refuses_analytics
        from people order by person
    """,
    "identifiers": """
        select i.type as identifier_type, i.value as identifier_value, p.person_id,
            i.sources, i.records, i.is_shared, i.is_blocked, g.linkable_group
        from identifiers as i
        inner join people as p on i.person = p.person
        inner join linkable_groups as g on i.number = g.number
        order by i.number
    """,
    "linkable_pairs": """
        select a.type as first_type, a.value as first_value,
            b.type as second_type, b.value as second_value, p.person_id
        from identifiers as a
        inner join linkable_groups as ga on a.number = ga.number
        inner join linkable_groups as gb
            on ga.linkable_group = gb.linkable_group and ga.number < gb.number
        inner join identifiers as b on gb.number = b.number
        inner join people as p on a.person = p.person
        where not a.is_shared and not a.is_blocked and not b.is_shared and not b.is_blocked
        order by a.number, b.number
    """,
    "devices": """
        select d.device, p.person_id as owner_id, d.category, d.browser, d.operating_system,
            d.app_version, d.is_app, d.is_shared, d.is_kiosk, c.client_id,
            make_timestamp(c.born_at) as born_at
        from cookies as c
        inner join devices as d on c.device = d.device
        inner join people as p on d.owner = p.person
        order by c.cookie
    """,
    "journeys": """
        select m.mission, p.person_id, make_timestamp(m.begun_at) as begun_at,
            m.is_aware, m.considerations, m.attempts,
            ['web', 'app', 'store'][1 + m.channel] as attempt_channel,
            case when m.attempts then make_timestamp(m.attempted_at) end as attempted_at,
            ['cart', 'checkout', 'shipping', 'payment', 'bought'][1 + m.reached] as reached,
            m.meets_bug, m.meets_outage, m.is_rescued,
            ['web', 'app', 'store'][1 + m.rescue_channel] as rescue_channel,
            m.has_order, m.is_delayed, m.is_faulty, m.contacts as asks_for_help
        from missions as m
        inner join people as p on m.person = p.person
        order by m.mission
    """,
    "sessions": """
        select s.session, p.person_id, c.client_id, make_timestamp(s.started_at) as started_at,
            s.started_at // 1000000 as ga_session_id, s.session_number, g.journey_stage,
            so.traffic_source, so.traffic_medium, ca.campaign_name, s.is_consented,
            case when s.login_at < (select "end" from window_bounds)
                then make_timestamp(s.login_at) end as login_at,
            s.page_count, round(s.seconds, 1) as duration_seconds, s.is_engaged,
            s.reached = 4 as has_purchase, s.meets_bug, s.meets_outage, d.is_app
        from sessions as s
        inner join people as p on s.person = p.person
        inner join cookies as c on s.cookie = c.cookie
        inner join devices as d on s.device = d.device
        inner join stages as g on s.intent = g.intent
        inner join sources as so on s.source = so.source
        left join campaigns as ca on s.campaign = ca.campaign
        order by s.session
    """,
    "orders": """
        select case when o.channel = 'store' then 'R' else 'KA' end || o.order_number as order_name,
            o.order_number, p.person_id, o.channel, make_timestamp(o.ordered_at) as ordered_at,
            o.goods, o.discount, o.shipping, o.tax, o.total, o.payment_method, o.is_cancelled,
            o.is_rescued, o.mission, o.session, coalesce(s.is_consented, false) as is_consented,
            coalesce(e.purchases, 0) as purchase_events,
            coalesce(r.refunded, 0) as refunded,
            coalesce(r.returned_without_receipt, 0) as returned_without_receipt
        from orders as o
        inner join people as p on o.person = p.person
        left join sessions as s on o.session = s.session
        left join (
            select order_number, count(*) as purchases from events
            where event_name = 'purchase' group by order_number
        ) as e on o.order_number = e.order_number
        left join (
            select order_number, sum(amount) as refunded,
                sum(amount) filter (channel = 'store' and refund_number % 5 = 0)
                    as returned_without_receipt
            from refunds group by order_number
        ) as r on o.order_number = r.order_number
        order by o.order_number
    """,
    "returns": """
        select case when o.channel = 'store' then 'R' else 'KA' end || o.order_number as order_name,
            p.person_id, r.session, ['return', 'claim'][1 + r.form] as task_id, r.is_submitted,
            r.reason, make_timestamp(s.started_at) as started_at, s.is_consented
        from returns as r
        left join orders as o on r.order_number = o.order_number
        inner join people as p on r.person = p.person
        inner join sessions as s on r.session = s.session
        order by r.session
    """,
    "abandoned_checkouts": """
        select k.checkout_number, p.person_id, k.channel, make_timestamp(k.begun_at) as begun_at,
            k.goods, k.meets_bug, k.meets_outage, k.is_rescued, k.rescue_channel,
            k.rescue_order_number
        from checkouts as k inner join people as p on k.person = p.person
        order by k.checkout_number
    """,
    "cases": """
        select c.case_number, p.person_id, make_timestamp(c.opened_at) as opened_at, c.channel,
            c.topic, round(c.wait_seconds, 1) as wait_seconds,
            round(c.handle_seconds, 1) as handle_seconds, c.agent, c.reaches_agent,
            c.is_abandoned, c.is_transferred, c.is_resolved, c.is_repeat,
            case when c.has_ticket then c.ticket_id end as ticket_id, c.mission
        from cases as c inner join people as p on c.person = p.person
        order by c.case_number
    """,
    "experiences": """
        select p.person_id, make_timestamp(e.met_at) as met_at, e.driver, e.effect
        from experiences as e inner join people as p on e.person = p.person
        order by e.met_at, p.person_id, e.driver
    """,
    "survey_scores": """
        with told as (
            select 'purchase' as survey_id, 'pr' || lpad(cast(number as varchar), 7, '0')
                as response_id, person, started_at, state, touchpoint_id, nps, ces, csat
            from purchase_survey where answers and is_delivered
            union all
            select 'relationship', 'rr' || lpad(cast(number as varchar), 7, '0'), person,
                started_at, state, null, nps, null, null
            from relationship_survey where answers and is_delivered
            union all
            select 'service', md5('service' || number), person, started_at, state, touchpoint_id,
                null, case when ces_version = 1 then ces end, csat
            from service_survey where answers
        )

        select t.survey_id, t.response_id, p.person_id, make_timestamp(t.started_at) as started_at,
            t.touchpoint_id, round(t.state, 4) as true_satisfaction, t.nps, t.ces, t.csat
        from told as t
        inner join people as p on t.person = p.person
        where t.started_at < (select "end" - 1800000000 from window_bounds)
        order by t.survey_id, t.response_id
    """,
    "episodes": """
        select e.episode_id, make_timestamp(e.started_at) as started_at,
            make_timestamp(e.ended_at) as ended_at, e."where", e.effect,
            case e.episode_id
                when 'checkout_bug' then (select count(*) from missions where meets_bug)
                when 'payment_outage' then (select count(*) from missions where meets_outage)
                when 'queue_week' then (
                    select count(*) from cases as c
                    where c.channel = 'phone' and c.opened_at >= e.started_at
                        and c.opened_at < e.ended_at
                )
            end as affected
        from episodes as e order by e.episode_id
    """,
    "defects": """
        select defect_id, check_id, table_name, kind, description,
            make_timestamp(started_at) as started_at, make_timestamp(ended_at) as ended_at, scope,
            affected_rows, nullif(examined_rows, -1) as examined_rows
        from defects order by check_id, defect_id
    """,
    "defect_rows": "select defect_id, row_key from defect_rows order by defect_id, row_key",
    "quarantine": "select * from quarantine order by source_file, line",
    "metric_values": metric_values(),
}
