{{ config(materialized='view') }}

with events as (
    select
        {{ surrogate_key(["_source", "'web_event'", "_batch_id", "_row"]) }} as web_event_key,
        _source as source,
        {{ local_date(micros_to_timestamp('event_timestamp')) }} as event_date,
        items
    from {{ source('ga4', 'events') }}
)

select
    events.web_event_key,
    events.source,
    events.event_date,
    cast(item.position as bigint) as item_index,
    item.element.item_id as item_id,
    item.element.item_name as item_name,
    item.element.item_category as item_category,
    item.element.price as unit_price,
    item.element.quantity as quantity
from events
{{ nested_elements('events.items', 'item') }}
