{%- set committed = relation_built_before('int_customer_ways_committed') -%}
with

ways as (
    select * from {{ ref('int_customer_ways_hashed') }}
),

{% if committed -%}
committed as (
    select * from {{ committed }}
),

final as (
    select coalesce(ways.customer_id, committed.customer_id) as customer_id
    from ways
    full outer join committed on ways.customer_id = committed.customer_id
    where ways.way_hash is distinct from committed.way_hash
)
{%- else -%}
final as (
    select customer_id from ways
)
{%- endif %}

select * from final
{{ touched_before_too(['customer_id']) }}
