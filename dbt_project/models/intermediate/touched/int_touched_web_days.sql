{#- Vendors whose staging computes touched days alone have a model that lists them; of the others
    every day is new once a file of theirs is. -#}
{%- set by_day = ['ga4'] -%}
with

touched_days as (
    select * from {{ ref('int_touched_days') }}
),

manifest as (
    select distinct
        vendor,
        source
    from {{ source('landing', 'manifest') }}
),

{% for vendor in var('conformed')['web_events'] -%}
{{ vendor }}_days as (
    {%- if vendor in by_day %}
    select
        manifest.source,
        days.partition_date
    from {{ ref('stg_' ~ vendor ~ '__touched_days') }} as days
    inner join manifest on manifest.vendor = '{{ vendor }}'
    {%- else %}
    select distinct
        source,
        partition_date
    from {{ ref('stg_' ~ vendor ~ '__web_events') }}
    where '{{ vendor }}' in (select vendor from touched_days)
    union
    select
        manifest.source,
        touched_days.partition_date
    from touched_days
    inner join manifest on touched_days.vendor = manifest.vendor
    where touched_days.vendor = '{{ vendor }}'
    {%- endif %}
),

{% endfor -%}
final as (
    {%- for vendor in var('conformed')['web_events'] %}
    select
        source,
        partition_date
    from {{ vendor }}_days
    {% if not loop.last %}union{% endif %}
    {%- endfor %}
)

select * from final
where partition_date is not null
