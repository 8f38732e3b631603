{{ config(materialized='view') }}
with

contacts as (

    select * from {{ ref('int_service_contacts_judged') }}
    where not is_passed_on

),

orders as (

    select * from {{ ref('fct_orders') }}
    where is_counted

),

final as (

    select
        contact_key as record_key,
        contact_date as occurred_date,
        customer_id,
        1 as contact_count,
        0 as order_count,
        handle_seconds
    from contacts
    union all
    select
        order_key as record_key,
        order_date as occurred_date,
        customer_id,
        0 as contact_count,
        1 as order_count,
        cast(null as double) as handle_seconds
    from orders

)

select * from final
