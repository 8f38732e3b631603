{#- Only encounters that may be gone: what is computed again replaces itself. -#}
{%- set built = relation_built_before('fct_touchpoints') -%}
{% if built -%}
with

touchpoints as (
    select
        touchpoint_key,
        source,
        source_kind,
        session_key,
        partition_date
    from {{ built }}
),

touched_days as (
    select * from {{ ref('int_touched_web_days') }}
),

touched_sessions as (
    select * from {{ ref('int_touched_sessions') }}
),

final as (
    select touchpoint_key from touchpoints
    where
        -- records of other systems are few and are computed anew as a whole
        source_kind <> 'web_event'
        or session_key in (select session_key from touched_sessions)
        or (
            session_key is null
            and (source, partition_date) in (
                select (source, partition_date) from touched_days
            )
        )
)

select * from final
{%- else -%}
-- depends_on: {{ ref('int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_sessions') }}
select cast(null as string) as touchpoint_key
where false
{%- endif %}
