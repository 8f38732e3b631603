{#- Figure and clock: the help desk's own minutes, and our seconds. -#}
{%- set figures = [
    ('first_reply', 'calendar', 'desk_reply_minutes', 'first_response_seconds'),
    ('first_reply', 'opening_hours', 'desk_reply_open_minutes', 'response_open_seconds'),
    ('resolution', 'calendar', 'desk_resolution_minutes', 'resolution_seconds'),
    ('resolution', 'opening_hours', 'desk_resolution_open_minutes', 'solution_open_seconds'),
] -%}
with

desk as (

    select * from {{ ref('stg_zendesk__service_cases') }}

),

cases as (

    select * from {{ ref('fct_service_cases') }}
    where not is_deleted

),

hours as (

    select * from {{ ref('int_service_hours_elapsed') }}

),

timed as (

    select
        cases.service_case_key,
        cases.source,
        desk.desk_reply_minutes,
        desk.desk_reply_open_minutes,
        desk.desk_resolution_minutes,
        desk.desk_resolution_open_minutes,
        cases.first_response_seconds,
        case when not hours.is_response_pending then hours.response_open_seconds end
            as response_open_seconds,
        cases.resolution_seconds,
        case when not hours.is_solution_pending then hours.solution_open_seconds end
            as solution_open_seconds
    from cases
    inner join desk on cases.service_case_key = desk.service_case_key
    left join hours on cases.service_case_key = hours.service_case_key

),

told as (

    -- noqa: disable=LT02
    {%- for figure, clock, desk_minutes, own_seconds in figures %}
    select
        service_case_key,
        source,
        '{{ figure }}' as figure,
        '{{ clock }}' as clock,
        {{ desk_minutes }} as desk_minutes,
        {{ own_seconds }} / 60 as own_minutes
    from timed
    where {{ desk_minutes }} is not null
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}
    -- noqa: enable=LT02

),

-- The help desk counts whole minutes, so that a minute's difference is none.
judged as (

    select
        *,
        own_minutes - desk_minutes as difference_minutes,
        abs(own_minutes - desk_minutes) <= 1 as is_same,
        max(
            case
                when clock = 'calendar'
                    then case when abs(own_minutes - desk_minutes) <= 1 then 1 else 0 end
            end
        ) over (partition by service_case_key, figure) as has_same_moments
    from told

),

final as (

    select
        source,
        figure,
        clock,
        count(*) as case_count,
        cast(sum(case when is_same then 1 else 0 end) as bigint) as agreeing_count,
        cast(sum(case when own_minutes is null then 1 else 0 end) as bigint) as unknown_count,
        cast(
            sum(
                case
                    when not is_same and clock = 'opening_hours' and has_same_moments = 1 then 1
                    else 0
                end
            ) as bigint
        ) as schedule_differs_count,
        cast(
            sum(
                case
                    when not is_same and not (clock = 'opening_hours' and has_same_moments = 1)
                        then 1
                    else 0
                end
            ) as bigint
        ) as moment_differs_count,
        round({{ quantile('difference_minutes', 0.5) }}, 6) as median_difference_minutes,
        round(max(abs(difference_minutes)), 6) as largest_difference_minutes
    from judged
    group by source, figure, clock

)

select * from final
