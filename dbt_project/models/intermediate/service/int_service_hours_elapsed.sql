with

cases as (

    select * from {{ ref('fct_service_cases') }}
    where created_at is not null and not is_deleted

),

hours as (

    select * from {{ ref('opening_hours') }}

),

known as (

    select
        min({{ local_date('created_at') }}) as first_date,
        greatest(
            max({{ local_date('created_at') }}),
            max({{ local_date('solved_at') }}),
            max({{ local_date('first_response_at') }}),
            max({{ local_date('updated_at') }})
        ) as last_date,
        greatest(max(created_at), max(updated_at)) as last_known_at
    from cases

),

days as (

    {{ days_between(
        '(select known.first_date from known)', '(select known.last_date from known)'
    ) | indent(4) }}

),

weekdays as (

    select
        day_date,
        1 + cast(
            {{ seconds_between(
                "cast(date_trunc('week', day_date) as timestamp)", 'cast(day_date as timestamp)'
            ) }} / 86400 as integer
        ) as weekday
    from days

),

-- Opening and closing by the clock on the wall: a day on which the clock is moved is as long as it
-- was.
opened as (

    -- noqa: disable=LT02
    select
        {%- for column in ['opens_at', 'closes_at'] %}
        {{ local_to_utc(
            "cast(cast(weekdays.day_date as string) || ' '"
            ~ " || coalesce("
            ~ "case when by_date.hours_id is null then by_weekday." ~ column
            ~ " else by_date." ~ column ~ " end, '00:00') || ':00' as timestamp)"
        ) }} as {{ column }},
        {%- endfor %}
        weekdays.day_date
    -- noqa: enable=LT02
    from weekdays
    left join hours as by_date on weekdays.day_date = by_date.open_date
    left join hours as by_weekday on weekdays.weekday = by_weekday.weekday

),

counted as (

    select
        day_date,
        opens_at,
        {{ seconds_between('opens_at', 'closes_at') }} as open_seconds,
        coalesce(
            sum({{ seconds_between('opens_at', 'closes_at') }}) over (
                order by day_date rows between unbounded preceding and 1 preceding
            ),
            0
        ) as seconds_before
    from opened

),

moments as (

    select
        cases.service_case_key,
        cases.created_at,
        cases.first_response_at,
        cases.solved_at,
        -- a case that waits is as old as the newest record that is known of any
        coalesce(cases.first_response_at, known.last_known_at) as responded_until,
        coalesce(cases.solved_at, known.last_known_at) as solved_until
    from cases
    cross join known

),

clocked as (

    -- noqa: disable=LT02
    select
        moments.service_case_key,
        {%- for moment in ['created_at', 'responded_until', 'solved_until'] %}
        {{ moment }}_day.seconds_before
        + least(
            greatest({{ seconds_between(moment ~ '_day.opens_at', 'moments.' ~ moment) }}, 0),
            {{ moment }}_day.open_seconds
        ) as {{ moment }}_seconds,
        {%- endfor %}
        moments.first_response_at is null as is_response_pending,
        moments.solved_at is null as is_solution_pending
    from moments
    {%- for moment in ['created_at', 'responded_until', 'solved_until'] %}
    inner join counted as {{ moment }}_day
        on {{ local_date('moments.' ~ moment) }} = {{ moment }}_day.day_date
    {%- endfor %}
    -- noqa: enable=LT02

),

final as (

    select
        service_case_key,
        greatest(responded_until_seconds - created_at_seconds, 0) as response_open_seconds,
        is_response_pending,
        greatest(solved_until_seconds - created_at_seconds, 0) as solution_open_seconds,
        is_solution_pending
    from clocked

)

select * from final
