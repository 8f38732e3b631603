{{ read_in_place() }}
with

items as (

    select * from {{ ref('int_exq_items_observed') }}

),

metrics as (

    select * from {{ ref('metric_catalogue') }}

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
        max(weight) as weight,
        count(*) as item_count,
        {{ exact_mean('value_number') }} as dimension_mean
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
        max(weight) as weight,
        sum(item_count) as item_count,
        {{ exact_mean('dimension_mean') }} as exq_mean
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
        responses.weight,
        responses.exq_mean
    from responses
    inner join items_asked on responses.survey_id = items_asked.survey_id
    where
        responses.item_count
        >= {{ metric_setting('exq_min_item_share') }} * items_asked.item_count

),

-- Dimensions are the user's own (survey_questions): one is published where the catalogue has it.
by_dimension as (

    select
        metrics.metric_id,
        dimension_means.survey_response_key as record_key,
        dimension_means.occurred_date,
        dimension_means.journey_stage,
        dimension_means.channel,
        dimension_means.touchpoint_id,
        dimension_means.customer_id,
        dimension_means.dimension_mean as value_number,
        cast(1 as double) as base_number,
        cast(dimension_means.weight as double) as weight,
        false as is_censored,
        true as is_counted
    from dimension_means
    inner join answered_enough
        on dimension_means.survey_response_key = answered_enough.record_key
    inner join metrics on 'exq_' || dimension_means.dimension = metrics.metric_id

),

final as (

    {{ observe('answered_enough', [
        {'metric_id': 'exq', 'value': 'exq_mean', 'weight': 'weight'},
    ]) | indent(4) }}
    union all
    select * from by_dimension

)

select * from final
