with

sessions as (

    select * from {{ ref('fct_sessions') }}

),

-- Conversion belongs to the stage that holds the goal; an error may come at any stage.
visits as (

    select
        session_key as record_key,
        session_date as occurred_date,
        'purchase' as journey_stage,
        platform as channel,
        'all' as touchpoint_id,
        customer_id,
        case when has_purchase then 1 else 0 end as purchase,
        case when has_error then 1 else 0 end as error
    from sessions
    -- the company's own visits are no customer's
    where not coalesce(is_internal, false)

),

final as (

    {{ observe('visits', [
        {'metric_id': 'conversion', 'value': 'purchase'},
        {'metric_id': 'conversion_rate', 'value': 'purchase'},
        {'metric_id': 'error_rate', 'value': 'error'},
    ]) | indent(4) }}

)

select * from final
