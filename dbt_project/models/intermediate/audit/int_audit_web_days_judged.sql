with

landed as (

    select * from {{ ref('int_audit_web_days_counted') }}

),

events as (

    select * from landed
    where not is_duplicate and not is_superseded

),

streams as (

    select * from {{ source('plan', 'streams') }}

),

planned_events as (

    select * from {{ source('plan', 'events') }}
    where status = 'live'

),

planned_names as (

    select
        event_name,
        valid_from,
        valid_to,
        max(case when is_goal then 1 else 0 end) = 1 as is_goal,
        min(introduced_on) as introduced_on,
        min(deprecated_on) as deprecated_on
    from planned_events
    group by event_name, valid_from, valid_to

),

properties as (

    select * from {{ source('plan', 'properties') }}

),

page_groups as (

    select * from {{ source('plan', 'page_groups') }}

),

volumes as (

    select
        series_kind,
        source,
        platform,
        subject,
        event_date,
        sum(event_count) as event_count
    from {{ ref('int_audit_volumes_counted') }}
    group by series_kind, source, platform, subject, event_date

),

observed_days as (

    select
        source,
        platform,
        subject as event_name,
        event_date,
        event_count
    from volumes
    where series_kind = 'event'

),

landed_days as (

    select
        source,
        partition_date as event_date,
        sum(event_count) as event_count,
        sum(case when not is_intraday and not is_superseded then event_count else 0 end)
            as standing_count,
        sum(case when not is_intraday and is_superseded then event_count else 0 end)
            as replaced_count,
        count(distinct case when not is_intraday and is_superseded then batch_id end)
            as replaced_batch_count
    from landed
    group by source, partition_date

),

source_spans as (

    select
        source,
        min(event_date) as first_date,
        max(event_date) as last_date
    from landed_days
    group by source

),

all_days as (

    {{ days_between(
        '(select min(first_date) from source_spans)', '(select max(last_date) from source_spans)'
    ) }}

),

source_days as (

    select
        source_spans.source,
        source_spans.last_date,
        all_days.day_date as event_date
    from source_spans
    inner join all_days
        on all_days.day_date between source_spans.first_date and source_spans.last_date

),

platform_spans as (

    select
        observed_days.source,
        observed_days.platform,
        min(observed_days.event_date) as first_date,
        max(observed_days.event_date) as last_date
    from observed_days
    group by observed_days.source, observed_days.platform

),

-- The first and the last day of a delivery are often part of a day.
platform_days as (

    select
        platform_spans.source,
        platform_spans.platform,
        source_days.event_date
    from platform_spans
    inner join source_days
        on
            platform_spans.source = source_days.source
            and platform_spans.first_date < source_days.event_date
            and source_days.event_date < source_days.last_date

),

traffic as (

    select
        platform_days.source,
        platform_days.platform,
        platform_days.event_date,
        coalesce(sum(observed_days.event_count), 0) as event_count
    from platform_days
    left join observed_days
        on
            platform_days.source = observed_days.source
            and platform_days.platform = observed_days.platform
            and platform_days.event_date = observed_days.event_date
    group by platform_days.source, platform_days.platform, platform_days.event_date

),

traffic_compared as (

    select
        source,
        platform,
        event_date,
        event_count,
        event_count
        >= 0.5 * median(event_count) over (partition by source, platform) as is_normal_day
    from traffic

    union all

    select
        source,
        'all' as platform,
        event_date,
        event_count,
        event_count >= 0.5 * median(event_count) over (partition by source) as is_normal_day
    from (
        select
            source,
            event_date,
            sum(event_count) as event_count
        from traffic
        group by source, event_date
    ) as whole_days

),

planned_streams as (

    select distinct
        events.source,
        streams.platform
    from events
    inner join streams
        on
            events.stream_id = streams.stream_id
            and {{ plan_holds('streams', 'events.event_date') }}

),

-- What is watched by day: every event seen, every event planned, every group of pages.
series as (

    select distinct
        'event' as series_kind,
        source,
        platform,
        event_name as subject
    from observed_days

    union

    select
        'event' as series_kind,
        planned_streams.source,
        planned_streams.platform,
        planned_events.event_name as subject
    from planned_events
    inner join planned_streams
        on planned_events.platform = planned_streams.platform

    union

    -- A goal is reached on whatever platform the customer chooses.
    select
        'event' as series_kind,
        planned_streams.source,
        'all' as platform,
        planned_events.event_name as subject
    from planned_events
    cross join planned_streams
    where planned_events.is_goal

    union

    select
        'page_group' as series_kind,
        planned_streams.source,
        planned_streams.platform,
        page_groups.page_group as subject
    from page_groups
    cross join planned_streams

),

counts as (

    select
        'event' as series_kind,
        source,
        platform,
        event_name as subject,
        event_date,
        event_count
    from observed_days

    union all

    select
        'event' as series_kind,
        source,
        'all' as platform,
        event_name as subject,
        event_date,
        sum(event_count) as event_count
    from observed_days
    group by source, event_name, event_date

    union all

    select
        series_kind,
        source,
        platform,
        subject,
        event_date,
        event_count
    from volumes
    where series_kind = 'page_group'

),

series_by_day as (

    select
        series.series_kind,
        series.source,
        series.platform,
        series.subject,
        traffic_compared.event_date,
        traffic_compared.is_normal_day,
        planned_names.is_goal,
        -- What no plan asked for on a day is not missing on it.
        case series.series_kind
            when 'page_group' then groups_held.page_group is not null
            else coalesce(
                coalesce(traffic_compared.event_date >= planned_names.introduced_on, true)
                and coalesce(traffic_compared.event_date < planned_names.deprecated_on, true)
                and planned_names.event_name is not null,
                false
            )
        end as is_due,
        coalesce(counts.event_count, 0) as event_count
    from series
    inner join traffic_compared
        on
            series.source = traffic_compared.source
            and series.platform = traffic_compared.platform
    left join counts
        on
            series.series_kind = counts.series_kind
            and series.source = counts.source
            and series.platform = counts.platform
            and series.subject = counts.subject
            and traffic_compared.event_date = counts.event_date
    left join planned_names
        on
            series.series_kind = 'event'
            and series.subject = planned_names.event_name
            and {{ plan_holds('planned_names', 'traffic_compared.event_date') }}
    left join page_groups as groups_held
        on
            series.series_kind = 'page_group'
            and series.subject = groups_held.page_group
            and {{ plan_holds('groups_held', 'traffic_compared.event_date') }}

),

-- Views come in handfuls, a checkout's four to a visit: of the visits behind them there are as many
-- fewer as the counts scatter more than chance. Silent days are left out, which a defect may have
-- made; beyond ten to one it is the season that scatters, and no season is silent.
-- Days without an event belong to the run that began after the last day with one.
series_runs as (

    select
        *,
        avg(event_count) over (partition by series_kind, source, platform, subject) as mean_count,
        var_samp(case when event_count > 0 then cast(event_count as double) end) over (
            partition by series_kind, source, platform, subject
        ) as variance,
        avg(case when event_count > 0 then event_count end) over (
            partition by series_kind, source, platform, subject
        ) as mean_when_any,
        sum(case when event_count > 0 then 1 else 0 end) over (
            partition by series_kind, source, platform, subject
            order by event_date
            rows between unbounded preceding and current row
        ) as run_number
    from series_by_day

),

series_missed as (

    select
        *,
        mean_count / least(greatest(coalesce(variance / mean_when_any, 1), 1), 10) * sum(
            case when event_count = 0 and is_normal_day and is_due then 1 else 0 end
        ) over (
            partition by series_kind, source, platform, subject, run_number
        ) as missed_count
    from series_runs

),

series_judged as (

    select
        series.source,
        series.subject || ' ' || cast(series.event_date as {{ type_string() }}) as sample_key,
        series.event_date,
        series.platform,
        series.subject,
        cast(null as boolean) as col01,
        -- Silence is a defect where chance alone would hardly leave it so long: of visits, which
        -- come one by one, 20 expected fail twice in a thousand million, 12 six times in a million.
        case
            when
                series.series_kind = 'page_group'
                and series.is_due
                and series.mean_count >= 5
                and series.is_normal_day
                then series.event_count = 0 and series.missed_count >= 20
        end as col08,
        case
            when
                series.series_kind = 'event'
                and series.platform <> 'all'
                and series.is_due
                and not series.is_goal
                and series.mean_count >= 3
                and series.is_normal_day
                then series.event_count = 0 and series.missed_count >= 12
        end as sch02,
        case
            when
                series.series_kind = 'event'
                and series.platform = 'all'
                and series.is_due
                and series.is_goal
                and series.mean_count >= 2
                and series.is_normal_day
                then series.event_count = 0 and series.missed_count >= 8
        end as gol01,
        cast(null as boolean) as pri04,
        cast(null as boolean) as vol03,
        cast(null as boolean) as vol04
    from series_missed as series

),

-- A planned event that never came: one row, on the newest whole day on which it was planned.
never_seen as (

    select
        planned_streams.source,
        planned_names.event_name || ' never' as sample_key,
        max(traffic_compared.event_date) as event_date,
        cast(null as {{ type_string() }}) as platform,
        planned_names.event_name as subject,
        cast(null as boolean) as col01,
        cast(null as boolean) as col08,
        case when not bool_or(planned_names.is_goal) then true end as sch02,
        case when bool_or(planned_names.is_goal) then true end as gol01,
        cast(null as boolean) as pri04,
        cast(null as boolean) as vol03,
        cast(null as boolean) as vol04
    from planned_names
    cross join (select distinct source from planned_streams) as planned_streams
    inner join traffic_compared
        on
            planned_streams.source = traffic_compared.source
            and {{ plan_holds('planned_names', 'traffic_compared.event_date') }}
            and coalesce(traffic_compared.event_date >= planned_names.introduced_on, true)
            and coalesce(traffic_compared.event_date < planned_names.deprecated_on, true)
    left join observed_days
        on
            planned_streams.source = observed_days.source
            and planned_names.event_name = observed_days.event_name
    where observed_days.event_name is null
    group by planned_streams.source, planned_names.event_name
    having count(distinct traffic_compared.event_date) >= 14

),

table_days as (

    select
        source_days.source,
        'day ' || cast(source_days.event_date as {{ type_string() }}) as sample_key,
        source_days.event_date,
        cast(null as {{ type_string() }}) as platform,
        'day' as subject,
        landed_days.event_date is null as col01,
        cast(null as boolean) as col08,
        cast(null as boolean) as sch02,
        cast(null as boolean) as gol01,
        cast(null as boolean) as pri04,
        cast(null as boolean) as vol03,
        case
            when landed_days.replaced_batch_count > 0
                then
                    abs(
                        landed_days.standing_count
                        - landed_days.replaced_count / landed_days.replaced_batch_count
                    ) > 0.01 * landed_days.replaced_count / landed_days.replaced_batch_count
        end as vol04
    from source_days
    left join landed_days
        on
            source_days.source = landed_days.source
            and source_days.event_date = landed_days.event_date

),

consent_by_day as (

    select
        source,
        platform,
        event_date,
        sum(event_count) as answer_count,
        cast(sum(case when consent_analytics = 'granted' then event_count else 0 end) as double)
        / sum(event_count) as grant_share
    from events
    where consent_analytics in ('granted', 'denied')
    group by source, platform, event_date

),

consent_expected as (

    select
        *,
        median(grant_share) over (partition by source, platform) as expected_share,
        -- On most days of little traffic everybody consents or nobody does: their median has no
        -- spread, the share of all answers has.
        sum(answer_count * grant_share) over (partition by source, platform)
        / sum(answer_count) over (partition by source, platform) as share_of_all,
        count(*) over (partition by source, platform) as day_count
    from consent_by_day

),

consent_spread as (

    select
        *,
        median(abs(grant_share - expected_share)) over (partition by source, platform)
            as median_deviation
    from consent_expected

),

consent_planned as (

    select
        consent_spread.*,
        properties.min_grant_share > 0 or properties.max_grant_share < 1 as has_planned_share,
        least(
            greatest(consent_spread.grant_share, properties.min_grant_share),
            properties.max_grant_share
        ) as planned_share
    from consent_spread
    inner join properties
        on {{ plan_holds('properties', 'consent_spread.event_date') }}

),

-- Events of one visit share its consent: the binomial spread is widened by that clustering.
consent_judged as (

    select
        source,
        'consent ' || cast(event_date as {{ type_string() }}) as sample_key,
        event_date,
        platform,
        'consent' as subject,
        cast(null as boolean) as col01,
        cast(null as boolean) as col08,
        cast(null as boolean) as sch02,
        cast(null as boolean) as gol01,
        case
            when answer_count >= 100 and (day_count >= 14 or has_planned_share)
                then
                    (
                        day_count >= 14
                        and abs(grant_share - expected_share) > greatest(
                            5 * 1.4826 * median_deviation,
                            5 * sqrt(10 * expected_share * (1 - expected_share) / answer_count),
                            5 * sqrt(10 * share_of_all * (1 - share_of_all) / answer_count),
                            0.05
                        )
                    )
                    -- The share that the plan holds possible, and as much chance beyond it.
                    or abs(grant_share - planned_share)
                    > 5 * sqrt(10 * planned_share * (1 - planned_share) / answer_count)
        end as pri04,
        cast(null as boolean) as vol03,
        cast(null as boolean) as vol04
    from consent_planned

),

sessions_by_day as (

    select
        source,
        platform,
        event_date,
        count(*) as session_count,
        cast(sum(event_count) as double) / count(*) as events_per_session
    from {{ ref('int_audit_sessions_described') }}
    group by source, platform, event_date

),

sessions_expected as (

    select
        *,
        median(events_per_session) over (partition by source, platform) as expected_count,
        count(*) over (partition by source, platform) as day_count
    from sessions_by_day

),

sessions_spread as (

    select
        *,
        median(abs(events_per_session - expected_count)) over (partition by source, platform)
            as median_deviation
    from sessions_expected

),

-- Visits differ in length about as much as they are long: the mean of few of them swings.
sessions_judged as (

    select
        source,
        'sessions ' || platform || ' ' || cast(event_date as {{ type_string() }}) as sample_key,
        event_date,
        platform,
        'sessions' as subject,
        cast(null as boolean) as col01,
        cast(null as boolean) as col08,
        cast(null as boolean) as sch02,
        cast(null as boolean) as gol01,
        cast(null as boolean) as pri04,
        case
            when day_count >= 14 and session_count >= 30
                then
                    abs(events_per_session - expected_count) > greatest(
                        6 * 1.4826 * median_deviation,
                        6 * expected_count / sqrt(session_count),
                        0.2 * expected_count
                    )
        end as vol03,
        cast(null as boolean) as vol04
    from sessions_spread

),

united as (

    select * from series_judged
    union all
    select * from never_seen
    union all
    select * from table_days
    union all
    select * from consent_judged
    union all
    select * from sessions_judged

),

judged as (

    select
        source,
        sample_key,
        cast(null as timestamp) as occurred_at,
        event_date,
        platform,
        subject,
        cast(null as {{ type_string() }}) as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        col01,
        col08,
        sch02,
        gol01,
        pri04,
        vol03,
        vol04
    from united

)

select * from judged
