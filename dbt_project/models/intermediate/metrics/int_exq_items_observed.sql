with

scores as (

    select * from {{ ref('int_survey_scores_placed') }}
    where metric_id = 'exq'

),

final as (

    select
        survey_answer_key,
        survey_response_key,
        survey_id,
        question_id as item_id,
        dimension,
        occurred_date,
        coalesce(journey_stage, 'unknown') as journey_stage,
        coalesce(channel, 'unknown') as channel,
        coalesce(touchpoint_id, 'unknown') as touchpoint_id,
        persona_id,
        customer_id,
        weight,
        cast(good_score as double) as value_number
    from scores

)

select * from final
