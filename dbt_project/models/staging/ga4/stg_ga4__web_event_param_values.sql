{{ config(materialized='view') }}

{#- A parameter comes with nearly every event and says much the same: values are grouped before
    anything looks into them, so that patterns run over distinct values, and no event's key is made
    but the group's. -#}
{% set numbers = {'int_value': 'bigint', 'float_value': 'double', 'double_value': 'double'} %}
with export_tables as (
    select * from {{ ref('stg_ga4__export_tables') }}
),

duplicates as (
    select * from {{ ref('stg_ga4__repeated_events') }}
),

planned_params as (
    select * from {{ source('plan', 'params') }}
),

-- Session ids and times would be as many groups as events: where no rule asks for the number, its
-- power of ten is enough.
numbers_without_rule as (
    select param_key
    from planned_params
    group by param_key
    having
        {{ asks_for_no_number() }}
),

events as (
    select
        events._source as source,
        events._batch_id as batch_id,
        coalesce(events._table, '') as table_in_file,
        events._row as row_number_in_file,
        events.dt as partition_date,
        {{ local_date(micros_to_timestamp('events.event_timestamp')) }} as event_date,
        events.stream_id,
        events.event_name,
        case when lower(events.platform) = 'web' then 'web' else 'app' end as platform,
        events.event_params
    from {{ source('ga4', 'events') }} as events
    left join duplicates
        on
            events._source = duplicates.source
            and events._batch_id = duplicates.batch_id
            and events._row = duplicates.row_number_in_file
    where duplicates.batch_id is null
),

unfolded as (
    select
        source,
        batch_id,
        table_in_file,
        row_number_in_file,
        partition_date,
        event_date,
        stream_id,
        event_name,
        platform,
        {{ nested_element('event_params') }} as param
    from events
),

members as (
    select
        source,
        batch_id,
        table_in_file,
        row_number_in_file,
        partition_date,
        event_date,
        stream_id,
        event_name,
        platform,
        param.key as param_key,
        param.value.string_value as string_value,
        param.value.int_value as int_value,
        param.value.float_value as float_value,
        param.value.double_value as double_value
    from unfolded
),

-- noqa: disable=LT02
-- One that is told by several members keeps them all.
asked_for as (
    select
        members.source,
        members.batch_id,
        members.table_in_file,
        members.row_number_in_file,
        members.partition_date,
        members.event_date,
        members.stream_id,
        members.event_name,
        members.platform,
        members.param_key,
        members.string_value,
        {%- for member, type in numbers.items() %}
        case
            when
                numbers_without_rule.param_key is not null
                and members.{{ member }} is not null
                and members.string_value is null
                {%- for other in numbers if other != member %}
                and members.{{ other }} is null
                {%- endfor %}
                then cast({{ power_of_ten('members.' ~ member) }} as {{ type }})
            else members.{{ member }}
        end as {{ member }}{{ "," if not loop.last }}
        {%- endfor %}
    from members
    left join numbers_without_rule
        on members.param_key = numbers_without_rule.param_key
),
-- noqa: enable=LT02

grouped as (
    select
        source,
        batch_id,
        table_in_file,
        partition_date,
        event_date,
        stream_id,
        event_name,
        platform,
        param_key,
        string_value,
        int_value,
        float_value,
        double_value,
        min(row_number_in_file) as row_number_in_file,
        count(*) as param_count
    from asked_for
    group by
        source,
        batch_id,
        table_in_file,
        partition_date,
        event_date,
        stream_id,
        event_name,
        platform,
        param_key,
        string_value,
        int_value,
        float_value,
        double_value
),

standing as (
    select
        grouped.*,
        {{ member_filled('grouped.') }} as value_type,
        {{ member_text('grouped.') }} as value_text,
        -- Only text can hold personal data: numbers are ids, times and amounts.
        {{ personal_data_kind('grouped.string_value') }} as personal_data_kind
    from grouped
    left join export_tables
        on
            grouped.source = export_tables.source
            and grouped.batch_id = export_tables.batch_id
            and grouped.table_in_file = export_tables.table_in_file
    where not coalesce(export_tables.is_superseded, false)
)

select
    {{ surrogate_key(['source', "'web_event'", 'batch_id', 'row_number_in_file']) }}
        as web_event_key,
    source,
    event_date,
    partition_date,
    stream_id,
    event_name,
    platform,
    param_key,
    value_type,
    {{ masked_value('value_text', 'personal_data_kind') }} as value_text,
    length(value_text) as value_length,
    personal_data_kind is not null as has_personal_data,
    param_count
from standing
