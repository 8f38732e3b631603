{#- Is the number of a day one that chance could have brought? For every event, page group and
    source with enough a day:

    1. The level of a day is the median of the logarithms of its 28 nearest days, each without its
       weekday's share, itself and special days left out; at both ends of the data, where they lie on
       one side, it follows the trend.
    2. The weekday's effect is the mean distance from the level on the nearest sixteen of the same
       weekday, itself left out and outliers cut, so that no defect moves its own yardstick.
    3. The spread is that of a count (its expected number) and more: what the middle of the series'
       own distances shows beyond it. No series is steadier than chance.
    4. A special day (a public holiday, or one of the plan's) is judged where the same one of other
       years is known: it may lie anywhere between those and an ordinary day.
    5. The probabilities of all series of a day go through the procedure of Benjamini and Hochberg,
       at the rate that the plan allows. Every day is a family of its own, so that a longer history
       changes no verdict.

    Distances are taken on two scales, that on which a count is nearly normal and that on which a
    factor is, and the smaller one counts: neither a small number nor a lively series cries wolf.
    They follow Student's t, as the spread is itself estimated from few days; the formulas that bring
    t to the normal (Wallace) and that to its tail (Börjesson and Sundberg) are good to a percent. -#}
{% set neighbours = 28 %}
{% set week = 7 %}

{% set web_ctes %}
special_days as (

    select
        special_date,
        min(special_name) as special_name
    from {{ source('plan', 'special_days') }}
    group by special_date

),

web_counts as (

    select
        series_kind,
        source,
        platform,
        subject,
        event_date,
        cast(sum(event_count) as bigint) as row_count
    from {{ ref('int_audit_volumes_counted') }}
    group by series_kind, source, platform, subject, event_date

)
{% endset %}

{% set all_counts %}
select * from web_counts

union all

select
    'source' as series_kind,
    source,
    platform,
    'events' as subject,
    event_date,
    cast(sum(row_count) as bigint) as row_count
from web_counts
where series_kind = 'event'
group by source, platform, event_date

{%- for subject, relation, split, day in [
    ('orders', 'int_orders_unioned', 'channel', 'order_date'),
    ('cases', 'int_service_cases_unioned', 'channel', local_date('created_at')),
    ('service contacts', 'int_service_contacts_unioned', 'channel', local_date('started_at')),
    ('survey responses', 'int_survey_responses_unioned', 'survey_id', 'submitted_date'),
] %}

union all

select
    'source' as series_kind,
    source,
    {{ split }} as platform,
    '{{ subject }}' as subject,
    {{ day }} as event_date,
    count(*) as row_count
from {{ ref(relation) }}
where {{ day }} is not null
group by source, {{ split }}, {{ day }}
{%- endfor %}
{% endset %}

{% set series_ctes %}
{{ web_ctes }},

{{ computed_once('counts', all_counts, given=web_ctes) }},

spans as (

    select
        source,
        case when series_kind = 'source' then subject else 'events' end as record_kind,
        min(event_date) as first_date,
        max(event_date) as last_date
    from counts
    group by source, case when series_kind = 'source' then subject else 'events' end

),

series as (

    select
        series_kind,
        source,
        platform,
        subject,
        case when series_kind = 'source' then subject else 'events' end as record_kind,
        row_number() over (order by series_kind, source, platform, subject) as series_number,
        min(event_date) as first_date
    from counts
    group by series_kind, source, platform, subject
    -- What never reaches the plan's least number is not worth its days.
    having max(row_count) >= (
        select min(min_daily_events) from {{ source('plan', 'properties') }}
    )

),

web_days as (

    select distinct
        source,
        event_date
    from web_counts

),

calendar as (

    {{ days_between('(select min(first_date) from spans)', '(select max(last_date) from spans)') }}

),

-- The first and the last day of a delivery are often part of a day. A day without any event is
-- COL01's finding; it says nothing of a single series.
series_days as (

    select
        series.series_number,
        series.series_kind,
        series.source,
        series.platform,
        series.subject,
        calendar.day_date as event_date,
        special_days.special_name,
        coalesce(counts.row_count, 0) as row_count,
        ln(coalesce(counts.row_count, 0) + 0.5) as log_count,
        cast(
            floor({{ epoch_seconds('cast(calendar.day_date as timestamp)') }} / 86400) as bigint
        ) % {{ week }} as weekday,
        row_number() over (
            partition by series.series_number order by calendar.day_date
        ) as day_number
    from series
    inner join spans
        on
            series.source = spans.source
            and series.record_kind = spans.record_kind
    inner join calendar
        on
            series.first_date < calendar.day_date
            and spans.last_date > calendar.day_date
    left join counts
        on
            series.series_kind = counts.series_kind
            and series.source = counts.source
            and coalesce(series.platform, '') = coalesce(counts.platform, '')
            and series.subject = counts.subject
            and calendar.day_date = counts.event_date
    left join special_days
        on calendar.day_date = special_days.special_date
    left join web_days
        on
            series.source = web_days.source
            and calendar.day_date = web_days.event_date
    where series.record_kind <> 'events' or web_days.event_date is not null

)
{% endset %}

{% set windowed_days %}
-- The window of a day slides to the side at the ends of the data.
select
    *,
    -- Without its weekday's share: windows that lack a holiday hold no weekday alike.
    log_count - median(case when special_name is null then log_count end) over (
        partition by series_number, weekday
    ) as bare_log_count,
    greatest(
        1,
        least(
            day_number - {{ neighbours // 2 }},
            max(day_number) over (partition by series_number) - {{ neighbours }}
        )
    ) as window_start
from series_days
{% endset %}

with

{{ series_ctes }},

{{ computed_once('windowed', windowed_days, given=series_ctes) }},

steps as (

    {% for step in range(neighbours + 1) -%}
    select {{ step }} as step
    {%- if not loop.last %} union all {% endif %}
    {%- endfor %}

),

-- A day of the window by its number: an equality that both engines join by hashes.
near_numbers as (

    select
        windowed.series_number,
        windowed.day_number,
        steps.step - {{ neighbours // 2 }} as near_step,
        windowed.window_start + steps.step as near_number
    from windowed
    cross join steps

),

levels as (

    select
        near_numbers.series_number,
        near_numbers.day_number,
        count(*) as neighbour_count,
        median(near.bare_log_count) as middle,
        median(case when near_numbers.near_step < 0 then near.bare_log_count end) as earlier,
        median(case when near_numbers.near_step > 0 then near.bare_log_count end) as later
    from near_numbers
    inner join windowed as near
        on
            near_numbers.series_number = near.series_number
            and near_numbers.near_number = near.day_number
    where near.special_name is null and near.day_number <> near_numbers.day_number
    group by near_numbers.series_number, near_numbers.day_number

),

levelled as (

    select
        windowed.*,
        levels.neighbour_count,
        -- How far the day lies from the middle of its window, in half windows.
        (windowed.day_number - windowed.window_start - {{ neighbours // 2 }}e0)
        / {{ neighbours // 2 }}e0 as offset_share,
        levels.middle + coalesce(levels.later - levels.earlier, 0)
        * (windowed.day_number - windowed.window_start - {{ neighbours // 2 }}e0)
        / {{ neighbours // 2 }}e0 as level
    from windowed
    inner join levels
        on
            windowed.series_number = levels.series_number
            and windowed.day_number = levels.day_number

),

weekdays as (

    select
        *,
        log_count - level as distance,
        median(case when special_name is null then log_count - level end) over (
            partition by series_number, weekday
        ) as weekday_distance
    from levelled

),

weekdays_spread as (

    select
        *,
        3 * 1.4826 * median(
            case when special_name is null then abs(distance - weekday_distance) end
        ) over (partition by series_number) as most_distance
    from weekdays

),

weekdays_cut as (

    select
        *,
        case
            when special_name is null
                then
                    weekday_distance + greatest(
                        least(distance - weekday_distance, most_distance), -most_distance
                    )
        end as cut_distance
    from weekdays_spread

),

effects as (

    select
        *,
        count(cut_distance) over (
            partition by series_number, weekday
            order by event_date
            rows between 8 preceding and 8 following
        ) - case when special_name is null then 1 else 0 end as weekday_count,
        sum(cut_distance) over (
            partition by series_number, weekday
            order by event_date
            rows between 8 preceding and 8 following
        ) - coalesce(cut_distance, 0) as weekday_sum,
        case
            when special_name is not null
                then
                    min(distance) over (
                        partition by series_number, special_name
                        order by event_date
                        rows between unbounded preceding and 1 preceding
                    )
        end as least_before,
        case
            when special_name is not null
                then
                    max(distance) over (
                        partition by series_number, special_name
                        order by event_date
                        rows between unbounded preceding and 1 preceding
                    )
        end as most_before,
        case
            when special_name is not null
                then
                    min(distance) over (
                        partition by series_number, special_name
                        order by event_date
                        rows between 1 following and unbounded following
                    )
        end as least_after,
        case
            when special_name is not null
                then
                    max(distance) over (
                        partition by series_number, special_name
                        order by event_date
                        rows between 1 following and unbounded following
                    )
        end as most_after
    from weekdays_cut

),

expected_logs as (

    select
        *,
        level + case
            when special_name is null then weekday_sum / nullif(weekday_count, 0)
            when least_before is not null or least_after is not null
                then greatest(
                    least(
                        distance,
                        greatest(
                            coalesce(most_before, most_after),
                            coalesce(most_after, most_before),
                            weekday_distance
                        )
                    ),
                    least(
                        coalesce(least_before, least_after),
                        coalesce(least_after, least_before),
                        weekday_distance
                    )
                )
        end as expected_log
    from effects

),

expected as (

    select
        *,
        greatest(exp(expected_log) - 0.5, 0.5) as expected_count
    from expected_logs
    where expected_log is not null and neighbour_count >= 20 and weekday_count >= 3

),

distances as (

    select
        *,
        least(
            abs(1.5 * (power(row_count, 2e0 / 3) - power(expected_count, 2e0 / 3)))
            / power(expected_count, 1e0 / 6),
            abs(ln((row_count + 0.5) / (expected_count + 0.5))) * sqrt(expected_count)
        ) as poisson_distance
    from expected

),

-- 0.455 is the median of a squared standard normal number.
spreads as (

    select
        *,
        greatest(
            0,
            median(
                case
                    when special_name is null
                        then
                            (poisson_distance * poisson_distance / 0.455 - 1) / expected_count
                end
            ) over (partition by series_number)
        ) as excess_variance,
        count(case when special_name is null then 1 end) over (
            partition by series_number
        ) as day_count
    from distances

),

allowed as (

    select
        min_daily_events,
        max_false_alarms_a_year / 365 as false_alarms_a_day,
        valid_from,
        valid_to
    from {{ source('plan', 'properties') }}

),

-- A median tells of the spread what 0.37 as many days would; the trend that a day at the end
-- follows is a guess of its own.
standardised as (

    select
        spreads.*,
        allowed.false_alarms_a_day,
        spreads.poisson_distance / sqrt(
            (1 + spreads.excess_variance * spreads.expected_count)
            * (1 + 0.224 * spreads.offset_share * spreads.offset_share)
        ) as t_value,
        0.37 * spreads.day_count as freedom
    from spreads
    inner join allowed
        on {{ plan_holds('allowed', 'spreads.event_date') }}
    where spreads.expected_count >= allowed.min_daily_events

),

normalised as (

    select
        *,
        (8 * freedom + 1) / (8 * freedom + 3)
        * sqrt(freedom * ln(1 + t_value * t_value / freedom)) as z_value
    from standardised

),

tested as (

    select
        *,
        2 * exp(-z_value * z_value / 2) / sqrt(2 * 3.141592653589793)
        / (0.661 * z_value + 0.339 * sqrt(z_value * z_value + 5.51)) as chance
    from normalised

),

ranked as (

    select
        *,
        row_number() over (
            partition by event_date order by chance, series_number
        ) as chance_rank,
        count(*) over (partition by event_date) as series_count
    from tested

),

passing as (

    select
        *,
        max(
            case
                when
                    chance <= chance_rank * false_alarms_a_day / series_count
                    then chance_rank
                else 0
            end
        ) over (partition by event_date) as highest_unusual_rank
    from ranked

),

-- Where everything moved, what moved with it is no finding of its own.
unusual as (

    select
        *,
        chance_rank <= highest_unusual_rank as is_unusual
    from passing

),

compared as (

    select
        unusual.*,
        coalesce(
            unusual.series_kind <> 'source'
            and unusual.row_count / unusual.expected_count
            between 0.8 * wholes.row_count / wholes.expected_count
            and 1.25 * wholes.row_count / wholes.expected_count,
            false
        ) as moved_with_all
    from unusual
    left join unusual as wholes
        on
            unusual.source = wholes.source
            and unusual.platform = wholes.platform
            and unusual.event_date = wholes.event_date
            and wholes.series_kind = 'source'
            and wholes.subject = 'events'
            and wholes.is_unusual

),

judged as (

    select
        source,
        series_kind || ' ' || coalesce(platform, '') || ' ' || subject || ' '
        || cast(event_date as {{ type_string() }}) as sample_key,
        cast(null as timestamp) as occurred_at,
        event_date,
        platform,
        subject,
        series_kind as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        cast(row_count as bigint) as row_count,
        expected_count,
        chance,
        is_unusual and not moved_with_all as vol02
    from compared

)

select * from judged
