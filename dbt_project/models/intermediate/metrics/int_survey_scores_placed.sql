with

scores as (

    select * from {{ ref('int_survey_scores_conformed') }}
    where is_valid_score

),

planned as (

    select * from {{ source('plan', 'surveys') }}

),

touchpoints as (

    select * from {{ ref('touchpoints') }}

),

order_channels as (

    select
        responses.survey_response_key,
        orders.channel
    from {{ ref('int_survey_responses_identified') }} as responses
    inner join {{ ref('int_orders_valued') }} as orders on responses.order_key = orders.order_key

),

records as (

    select * from {{ ref('int_identity_records_resolved') }}

),

customers as (

    select
        customer_id,
        persona_id
    from {{ ref('dim_customers') }}

),

final as (

    select
        scores.survey_answer_key,
        scores.survey_response_key,
        scores.source,
        scores.survey_id,
        scores.question_id,
        scores.metric_id,
        scores.dimension,
        scores.scale_min,
        scores.scale_max,
        scores.score,
        -- turned round on its own scale where low is good
        case
            when scores.high_is_good then scores.score
            else scores.scale_min + scores.scale_max - scores.score
        end as good_score,
        planned.positive_from,
        scores.submitted_date as occurred_date,
        scores.journey_stage,
        -- A page has no channel of its own: it is met on the web or in the app, and the order or
        -- the answer itself tells which. A form that came by e-mail does not move the page there.
        case
            when touchpoints.channel is not null then touchpoints.channel
            when touchpoints.source_kind <> 'web_event' then scores.channel
            when order_channels.channel in ('web', 'app') then order_channels.channel
            when scores.channel in ('web', 'app') then scores.channel
            when touchpoints.source_kind = 'web_event' then 'web'
            else scores.channel
        end as channel,
        scores.touchpoint_id,
        coalesce(customers.persona_id, 'unknown') as persona_id,
        records.customer_id,
        coalesce(scores.response_weight, 1) as weight
    from scores
    -- A cut is one of its scale: where the plan names another one, it cuts nothing.
    left join planned
        on
            {{ plan_asks('planned', 'scores') }}
            and {{ plan_holds('planned', 'scores.submitted_date') }}
            and scores.scale_min = planned.scale_min
            and scores.scale_max = planned.scale_max
    left join touchpoints on scores.touchpoint_id = touchpoints.touchpoint_id
    left join order_channels on scores.survey_response_key = order_channels.survey_response_key
    left join records on scores.identity_record_key = records.identity_record_key
    left join customers on records.customer_id = customers.customer_id

)

select * from final
