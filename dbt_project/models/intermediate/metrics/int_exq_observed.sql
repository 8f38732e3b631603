with

items as (

    select * from {{ ref('int_exq_items_observed') }}

),

items_asked as (

    select
        survey_id,
        count(distinct item_id) as item_count
    from items
    group by survey_id

),

dimension_means as (

    select
        survey_response_key,
        survey_id,
        dimension,
        max(occurred_date) as occurred_date,
        max(journey_stage) as journey_stage,
        max(channel) as channel,
        max(touchpoint_id) as touchpoint_id,
        max(customer_id) as customer_id,
        count(*) as item_count,
        avg(value_number) as dimension_mean
    from items
    group by survey_response_key, survey_id, dimension

),

responses as (

    select
        survey_response_key as record_key,
        survey_id,
        max(occurred_date) as occurred_date,
        max(journey_stage) as journey_stage,
        max(channel) as channel,
        max(touchpoint_id) as touchpoint_id,
        max(customer_id) as customer_id,
        sum(item_count) as item_count,
        avg(dimension_mean) as exq_mean
    from dimension_means
    group by survey_response_key, survey_id

),

answered_enough as (

    select
        responses.record_key,
        responses.occurred_date,
        responses.journey_stage,
        responses.channel,
        responses.touchpoint_id,
        responses.customer_id,
        responses.exq_mean
    from responses
    inner join items_asked on responses.survey_id = items_asked.survey_id
    where
        responses.item_count
        >= {{ metric_setting('exq_min_item_share') }} * items_asked.item_count

),

final as (

    {{ observe('answered_enough', [
        {'metric_id': 'exq', 'value': 'exq_mean'},
    ]) | indent(4) }}

)

select * from final
