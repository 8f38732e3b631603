{{ rebuilt_by('partition_date', 'int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_web_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days') %}
{% endif %}

{#- Where something was sent from is asked of what fails only. -#}
{% set places = ['device_category', 'browser', 'app_version'] %}
{% set flags = ['sch06', 'sch07', 'sch11', 'pri01'] %}
{% set in_order = sort_key(['occurred_at', 'web_event_key']) %}
with

streams as (

    select * from {{ source('plan', 'streams') }}

),

planned as (

    select * from {{ source('plan', 'user_properties') }}

),

allowed_values as (

    select * from {{ source('plan', 'user_property_values') }}

),

landed as (

    select * from {{ ref('int_web_user_properties_unioned') }}
    where {{ on_touched_days }}

),

of_planned_streams as (

    select landed.*
    from landed
    inner join streams
        on
            landed.stream_id = streams.stream_id
            and {{ plan_holds('streams', 'landed.event_date') }}

),

-- Read twice, and grouped out of all events.
sent {{ as_kept() }} (

    select * from of_planned_streams

),

-- Who was logged in on a day, and which properties came with any of the day's events.
users as (

    select
        source,
        partition_date,
        event_date,
        platform,
        user_id,
        min_by(web_event_key, {{ in_order }}) as web_event_key,
        min(occurred_at) as occurred_at,
        min_by(coalesce(device_category, ''), {{ in_order }}) as device_category,
        min_by(coalesce(browser, ''), {{ in_order }}) as browser,
        min_by(coalesce(app_version, ''), {{ in_order }}) as app_version
    from sent
    where user_id is not null
    group by source, partition_date, event_date, platform, user_id

),

properties_of_users as (

    select distinct
        source,
        partition_date,
        event_date,
        platform,
        user_id,
        property_key
    from sent
    where user_id is not null and trim(value_text) <> ''

),

users_judged as (

    select
        users.source,
        users.partition_date,
        users.event_date,
        users.platform,
        planned.property_key,
        users.web_event_key,
        users.occurred_at,
        {%- for place in places %}
        nullif(users.{{ place }}, '') as {{ place }},
        {%- endfor %}
        cast(1 as bigint) as row_count,
        cast(null as boolean) as sch06,
        cast(null as boolean) as sch07,
        properties_of_users.user_id is null as sch11,
        cast(null as boolean) as pri01
    from users
    inner join planned
        on
            users.platform = planned.platform
            and planned.is_required
            and {{ plan_holds('planned', 'users.event_date') }}
    left join properties_of_users
        on
            users.source = properties_of_users.source
            and users.partition_date = properties_of_users.partition_date
            and users.event_date = properties_of_users.event_date
            and users.platform = properties_of_users.platform
            and users.user_id = properties_of_users.user_id
            and planned.property_key = properties_of_users.property_key

),

values_judged as (

    select
        sent.source,
        sent.partition_date,
        sent.event_date,
        sent.platform,
        sent.property_key,
        sent.web_event_key,
        sent.occurred_at,
        {%- for place in places %}
        sent.{{ place }},
        {%- endfor %}
        sent.event_count as row_count,
        case
            when planned.has_allowed_values and sent.value_text is not null
                then allowed_values.allowed_value is null
        end as sch06,
        planned.property_key is null as sch07,
        cast(null as boolean) as sch11,
        sent.has_personal_data and not coalesce(planned.is_personal_data, false) as pri01
    from sent
    left join planned
        on
            sent.property_key = planned.property_key
            and sent.platform = planned.platform
            and {{ plan_holds('planned', 'sent.event_date') }}
    left join allowed_values
        on
            sent.property_key = allowed_values.property_key
            and sent.value_text = allowed_values.allowed_value
            and {{ plan_holds('allowed_values', 'sent.event_date') }}
    where sent.property_key is not null

),

united as (

    select
        *,
        coalesce(sch06 or sch07 or sch11 or pri01, false) as fails
    from (
        select * from users_judged
        union all
        select * from values_judged
    ) as judged

),

placed as (

    select
        source,
        partition_date,
        event_date,
        platform,
        property_key,
        web_event_key,
        occurred_at,
        row_count,
        case when fails then date_trunc('hour', occurred_at) end as event_hour,
        {%- for place in places %}
        case when fails then {{ place }} end as {{ place }},
        {%- endfor %}
        {{ flags | join(',\n        ') }}
    from united

),

final as (

    select
        source,
        partition_date,
        event_date,
        event_hour,
        platform,
        property_key,
        {%- for place in places %}
        {{ place }},
        {%- endfor %}
        {{ flags | join(',\n        ') }},
        min(web_event_key) as sample_key,
        min(occurred_at) as occurred_at,
        cast(sum(row_count) as bigint) as row_count
    from placed
    group by
        source,
        partition_date,
        event_date,
        event_hour,
        platform,
        property_key,
        {{ places | join(',\n        ') }},
        {{ flags | join(',\n        ') }}

)

select * from final
