"""Tools that no vendor module reads: reviews, mystery shopping, counters, monitors, contracts.

Each writes a file of its own layout; ``seeds/sample/generic_sources.yml`` maps them all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seeds.sample.episodes import Episode
from seeds.sample.exports.files import write_csv
from seeds.sample.vocabulary import COMMENTS, STORES
from seeds.sample.world import World, texts

#: Check of the sites, every so many seconds, and how many days their certificates hold at first.
#: Each is renewed in time, for as many days as public certificates are given at a time.
CHECK_SECONDS = 1800
RENEWED_DAYS_BEFORE = 20
RENEWED_FOR_DAYS = 90
SITES = (("www.kauppa.example", 71), ("api.kauppa.example", 190), ("maksu.kauppa.example", 71))
MYSTERY_QUESTIONS = 25
#: What others of the trade are said to reach.
BENCHMARKS = (
    ("nps", "2025-01-01", 38.0),
    ("nps", "2026-09-01", 41.0),
    ("csat", "2026-01-01", 0.79),
    ("conversion", "2026-01-01", 0.024),
    ("cart_abandonment", "2026-01-01", 0.7),
    ("store_conversion", "2026-01-01", 0.23),
    ("review_rating", "2026-01-01", 4.1),
)
#: Tools whose files are parted by semicolons.
_SEMICOLONS = {"review", "testimonial", "mystery", "interview", "contract"}


def prepare(world: World, planted: dict[str, Episode]) -> None:
    """Put the flat export tables.

    Args:
        world: The world, with its orders, sessions and people.
        planted: Episodes; the payment outage is one of the payment site, too.
    """
    told = [
        (mood, language, place, text)
        for mood, both in enumerate(COMMENTS)
        for language, part in zip(("fi", "en"), both, strict=True)
        for place, text in enumerate(part)
    ]
    mood, language, place, text = zip(*told, strict=True)
    world.put(
        "review_texts",
        {
            "mood": np.array(mood),
            "language": texts(list(language)),
            "place": np.array(place),
            "review_text": texts(list(text)),
        },
    )
    world.put(
        "monitored_sites",
        {
            "site": texts([site for site, _ in SITES]),
            "certificate_days": np.array([days for _, days in SITES]),
        },
    )
    world.put("shops", {"store_id": texts(STORES)})
    world.put(
        "benchmark_rows",
        {
            "mittari": texts([metric for metric, _, _ in BENCHMARKS]),
            "alkaen": texts([since for _, since, _ in BENCHMARKS]),
            "arvo": np.array([value for _, _, value in BENCHMARKS]),
            "lahde": texts(["Kaupan toimialakatsaus, erikoiskauppa"] * len(BENCHMARKS)),
        },
    )
    outage = planted["payment_outage"]
    world.run(f"create or replace table review_rows as {_REVIEWS}")
    world.run(f"create or replace table testimonial_rows as {_TESTIMONIALS}")
    world.run(f"create or replace table mystery_rows as {_MYSTERY_VISITS}")
    world.run(f"create or replace table visitor_rows as {_VISITORS}")
    world.run(
        f"create or replace table uptime_rows as {_UPTIME}",
        down_from=outage.started_at,
        down_to=outage.ended_at,
    )
    world.run(f"create or replace table product_use_rows as {_PRODUCT_USE}")
    world.run(f"create or replace table section_rows as {_SECTIONS}")
    world.run(f"create or replace table programme_cost_rows as {_PROGRAMME_COSTS}")
    world.run(f"create or replace table interview_rows as {_INTERVIEWS}")
    world.run(f"create or replace table contract_rows as {_CONTRACTS}")


def write(world: World, folder: Path) -> None:
    """Write one file per tool."""
    for name, order in (
        ("review", "arvio_id"),
        ("testimonial", "tarina_id"),
        ("mystery", "kaynti"),
        ("visitor", "laskuri, tunti"),
        ("uptime", "checked_at, url"),
        ("product_use", "started_at, use_id"),
        ("section", "day, page, section"),
        ("interview", "haastattelu, teema"),
        ("contract", "sopimus"),
        ("programme_cost", "kirjauspaiva, eran_laji"),
        ("benchmark", "mittari, alkaen"),
    ):
        write_csv(
            world,
            f"select * from {name}_rows order by {order}",
            folder / f"{name}.csv",
            world.calendar.end,
            delimiter=";" if name in _SEMICOLONS else ",",
        )


# One order in four is reviewed, a week later; stars follow satisfaction. A few buyers sign with
# their number, which no mart may show.
_REVIEWS = """
with written as (
    select
        o.order_number,
        p.person_id,
        o.ordered_at + cast((4 + 6 * draw('when' || o.order_number)) * 86400000000 as bigint)
            as written_at,
        l.product_id,
        p.email,
        p.phone,
        p.language,
        greatest(1, least(5, cast(round(
            3.9 + 0.8 * p.latent + 1.6 * (draw('stars' || o.order_number) - 0.5)
        ) as integer))) as stars
    from orders as o
    inner join people as p on o.person = p.person
    inner join order_lines as l on o.order_number = l.order_number and l.line_number = 1
    where draw('review' || o.order_number) < 0.25
),

placed as (
    select
        w.*,
        case when w.stars <= 2 then 0 when w.stars = 3 then 1 else 2 end as mood
    from written as w
    where w.written_at < (select "end" from window_bounds)
),

counted as (
    select mood, language, count(*) as texts from review_texts group by mood, language
)

select
    'ARV' || p.order_number as arvio_id,
    local_text(p.written_at) as kirjoitettu,
    p.product_id as tuote,
    p.stars as tahdet,
    t.review_text
    || case
        when draw('signed' || p.order_number) < 0.03 then ' ' || phone_text(p.phone, 2) else ''
    end as teksti,
    p.language as kieli,
    case when draw('mail' || p.order_number) < 0.7 then p.email end as sahkoposti
from placed as p
inner join counted as c on p.mood = c.mood and p.language = c.language
inner join review_texts as t
    on
        p.mood = t.mood
        and p.language = t.language
        and t.place = cast(floor(draw('text' || p.order_number) * c.texts) as bigint)
"""

# One content buyer in eight is asked for a story that the shop may quote. It says from which town
# it comes, and no name.
_TESTIMONIALS = """
with told as (
    select
        row_number() over (order by min(o.ordered_at), p.person_id) as number,
        p.person_id,
        p.city,
        p.language,
        min(o.ordered_at) + 864000000000 as told_at
    from orders as o
    inner join people as p on o.person = p.person
    where p.latent > 0.3 and draw('testimonial' || p.person_id) < 0.125
    group by p.person_id, p.city, p.language
)

select
    'T' || lpad(cast(t.number as varchar), 4, '0') as tarina_id,
    local_text(t.told_at) as julkaistu,
    t.city as paikka,
    case when draw('story' || t.person_id) < 0.2 then 4 else 5 end as tahdet,
    r.review_text as tarina,
    t.language as kieli
from told as t
inner join review_texts as r on r.mood = 2 and t.language = r.language and r.place = 0
where t.told_at < (select "end" from window_bounds)
"""

# Two visits a week to every store; points of so many questions.
_MYSTERY_VISITS = f"""
with days as (
    select unnest(range(b.start, b."end", 86400000000)) as day_at
    from window_bounds as b
),

visits as (
    select
        s.store_id,
        d.day_at + 43200000000
        + cast(draw('hour' || s.store_id || d.day_at) * 14400000000 as bigint) as visited_at
    from days as d
    cross join shops as s
    where draw('visit' || s.store_id || d.day_at) < 2 / 7.0
)

select
    'MS-' || store_id || '-' || strftime(local_time(visited_at), '%Y%m%d') as kaynti,
    strftime(local_time(visited_at), '%d.%m.%Y %H:%M') as aika,
    store_id as myymala,
    least({MYSTERY_QUESTIONS}, 12 + cast(
        round({MYSTERY_QUESTIONS} * 0.55 * sqrt(draw('points' || store_id || visited_at)))
        as integer
    )) as pisteet,
    {MYSTERY_QUESTIONS} as kysymyksia,
    case when draw('note' || store_id || visited_at) < 0.5
        then 'Myyjä tervehti, mutta kassalla oli jono.' else 'Palvelu oli hyvää.' end as huomio
from visits
where visited_at < (select "end" from window_bounds)
"""

# Everyone who buys comes in, and so do three or four who do not; by hour of opening.
_VISITORS = """
with hours as (
    select
        s.store_id,
        unnest(range(b.start, b."end", 3600000000)) as hour_at
    from window_bounds as b
    cross join shops as s
),

opened as (
    select store_id, hour_at
    from hours
    where hour(local_time(hour_at)) between 10 and 19
),

sold as (
    select
        store_id,
        ordered_at - ordered_at % 3600000000 as hour_at,
        count(*) as orders
    from orders
    where channel = 'store'
    group by store_id, ordered_at - ordered_at % 3600000000
)

select
    o.store_id as laskuri,
    local_text(o.hour_at) as tunti,
    cast(coalesce(s.orders, 0) * (2 + cast(3 * draw('more' || o.store_id || o.hour_at) as integer))
        + cast(3 * draw('some' || o.store_id || o.hour_at) as integer) as integer) as kavijat
from opened as o
left join sold as s on o.store_id = s.store_id and o.hour_at = s.hour_at
"""

_UPTIME = f"""
with checks as (
    select
        m.site,
        m.certificate_days,
        unnest(range(b.start, b."end", {CHECK_SECONDS} * 1000000)) as checked_at,
        b.start as first_at
    from window_bounds as b
    cross join monitored_sites as m
),

judged as (
    select
        *,
        (site like 'maksu%' and checked_at between $down_from and $down_to - 1)
        or draw('down' || site || checked_at) < 0.0015 as is_down
    from checks
)

select
    'https://' || site as url,
    utc_text(checked_at) as checked_at,
    case when is_down then 503 else 200 end as status,
    cast(180 + 240 * draw('ms' || site || checked_at) as integer) as response_ms,
    utc_text(first_at + 86400000000 * (certificate_days + {RENEWED_FOR_DAYS} * cast(
        greatest(0, ceil(
            ((checked_at - first_at) / 86400000000.0 - certificate_days + {RENEWED_DAYS_BEFORE})
            / {RENEWED_FOR_DAYS}
        )) as bigint
    ))) as certificate_not_after
from judged
"""

# Every fourth visit to the app uses one of its features; whoever is logged in is known.
_PRODUCT_USE = """
with uses as (
    select
        s.session,
        s.started_at + 20000000 as started_at,
        case cast(floor(4 * draw('feature' || s.session)) as integer)
            when 0 then 'wish_list' when 1 then 'size_scanner' when 2 then 'store_map'
            else 'care_guide' end as feature,
        cast(15 + 240 * draw('length' || s.session) * draw('long' || s.session) as integer)
            as seconds,
        case when s.logs_in then 'u' || p.contact_number end as user_id,
        k.client_id
    from sessions as s
    inner join people as p on s.person = p.person
    inner join cookies as k on s.cookie = k.cookie
    inner join devices as d on s.device = d.device
    where d.is_app and s.is_consented and draw('use' || s.session) < 0.25
)

select
    'U' || lpad(cast(session as varchar), 8, '0') as use_id,
    utc_text(started_at) as started_at,
    feature,
    seconds,
    user_id,
    client_id as installation
from uses
"""

# A heatmap of the guides, by section and day.
_SECTIONS = """
with views as (
    select
        cast(local_time(event_timestamp) as date) as day,
        path as page,
        count(*) as views
    from events
    where event_name = 'page_view' and template in ('guide', 'care')
    group by all
)

select
    v.day,
    v.page,
    s.section,
    v.views,
    cast(round(v.views * (s.reach - 0.1 * draw('reach' || v.page || v.day))) as integer) as reached,
    round(v.views * s.reach * (4 + 9 * draw('dwell' || v.page || v.day || s.section)), 1)
        as seconds,
    cast(floor(v.views * 0.3 * draw('click' || v.page || v.day || s.section)) as integer) as clicks,
    cast(floor(v.views * s.reach * 0.8 * draw('hover' || v.page || v.day || s.section)) as integer)
        as hovers
from views as v
cross join (
    values ('#johdanto', 1.0), ('#vaiheet', 0.7), ('#tuotteet', 0.35)
) as s (section, reach)
"""

# Booked on a month's last day: rewards by what members bought, letters and the system by the
# month; a supplier pays for its place in the letter.
_PROGRAMME_COSTS = """
with months as (
    select
        date_trunc('month', local_time(o.ordered_at)) as month,
        cast(max(local_time(o.ordered_at)) as date) as booked_on,
        sum(o.total) filter (where o.loyalty_id is not null) as bought
    from orders as o
    group by all
)

select
    strftime(m.booked_on, '%Y-%m-%d') || ' 12:00:00' as kirjauspaiva,
    c.item as eran_laji,
    round(c.fixed + c.share * coalesce(m.bought, 0), 2) as euroa
from months as m
cross join (
    values ('edut', 0.0, 0.02), ('kirjeet', 60.0, 0.0), ('jarjestelma', 45.0, 0.0),
        ('toimittajan osuus', -20.0, 0.0)
) as c (item, fixed, share)
"""

# One conversation in two weeks, its notes by theme.
_INTERVIEWS = """
with talks as (
    select
        row_number() over (order by draw('interview' || p.person_id), p.person_id) as talk,
        p.loyalty_id,
        p.first_name,
        p.phone
    from people as p
    where p.loyalty_id is not null
),

held as (
    select
        t.*,
        b.start + (14 * t.talk - 7) * 86400000000 + 36000000000 as held_at
    from talks as t
    cross join window_bounds as b
    where b.start + (14 * t.talk - 7) * 86400000000 + 36000000000 < b."end"
)

select
    'H' || lpad(cast(h.talk as varchar), 3, '0') as haastattelu,
    strftime(local_time(h.held_at), '%d.%m.%Y %H:%M') as pidetty,
    n.teema,
    n.muistiinpano || case when n.teema = 'palvelu'
        then ' Numero ' || phone_text(h.phone, 2) || ', saa soittaa.' else '' end as muistiinpano,
    h.loyalty_id as kortti
from held as h
cross join (
    values ('löydettävyys', 'Hakee ensin hakukoneesta, sitten vertailee arvosteluja.'),
        ('palvelu', 'Toivoo, että chat vastaisi iltaisin.'),
        ('toimitus', 'Seuranta on selkeä, mutta ilmoitus tulee myöhään.')
) as n (teema, muistiinpano)
"""

# What the billing of care contracts tells: days, as it writes them, and the term's price.
_CONTRACTS = """
select
    contract_id as sopimus,
    'hoitosopimus' as palvelu,
    case when is_of_store then 'store' else 'web' end as kanava,
    strftime(started_on, '%d.%m.%Y') as alkaa,
    strftime(ends_on, '%d.%m.%Y') as paattyy,
    strftime(cancelled_on, '%d.%m.%Y') as irtisanottu,
    '6,90' as hinta,
    email as sahkoposti,
    loyalty_id as kortti,
    strftime(coalesce(cancelled_on, started_on), '%d.%m.%Y') as muutettu
from contracts
"""
