{#- Like int_raw_files_committed written last: until a run is complete, whatever has changed since
    the last complete one counts as changed. -#}
-- depends_on: {{ ref('fct_sessions') }}
-- depends_on: {{ ref('fct_touchpoints') }}

with

resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

-- encounters of the web are found again by browser and user
web_records as (
    select * from {{ ref('int_identity_records_collected') }}
    where record_kind = 'web_event'
),

final as (
    select
        resolved.identity_record_key,
        resolved.identifier_key,
        resolved.customer_id,
        web_records.source,
        web_records.record_kind,
        web_records.client_id,
        web_records.user_id
    from resolved
    left join web_records on resolved.identity_record_key = web_records.identity_record_key
)

select * from final
