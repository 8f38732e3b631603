{{ rebuilt_by('partition_date', 'int_touched_web_days') }}
-- depends_on: {{ ref('int_touched_web_days') }}

{% set on_touched_days = 'true' %}
{% if is_incremental() %}
{% set on_touched_days = lies_on_touched_day('partition_date', 'int_touched_web_days') %}
{% endif %}

with

final as (

    select
        web_event_key,
        source,
        stream_id,
        platform,
        event_name,
        occurred_at,
        partition_date,
        event_date,
        transaction_id,
        event_value,
        currency,
        items_amount,
        page_path,
        device_category,
        browser,
        app_version
    from {{ ref('int_web_events_landed') }}
    where
        event_name in ('purchase', 'refund')
        and transaction_id is not null
        and not is_duplicate
        and not is_superseded
        and {{ on_touched_days }}

)

select * from final
