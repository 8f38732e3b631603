{{ read_in_place() }}
with

scores as (

    select * from {{ ref('int_survey_scores_placed') }}
    where
        metric_id in ('womi_recommend', 'womi_discourage')
        and scale_min = 1
        and scale_max = 10

),

-- WOMI compares two answers of one person: who left either out does not count.
responses as (

    select
        survey_response_key as record_key,
        max(occurred_date) as occurred_date,
        max(journey_stage) as journey_stage,
        max(channel) as channel,
        max(touchpoint_id) as touchpoint_id,
        max(customer_id) as customer_id,
        max(weight) as weight,
        max(case when metric_id = 'womi_recommend' then score end) as recommend,
        max(case when metric_id = 'womi_discourage' then score end) as discourage
    from scores
    group by survey_response_key

),

both_answered as (

    select
        *,
        case when recommend >= 9 then 1 else 0 end as would_recommend,
        case when discourage >= 9 then 1 else 0 end as would_discourage,
        case when recommend <= 6 then 1 else 0 end as is_detractor
    from responses
    where recommend is not null and discourage is not null

),

final as (

    {{ observe('both_answered', [
        {
            'metric_id': 'womi',
            'value': 'would_recommend - would_discourage',
            'weight': 'weight',
        },
        {
            'metric_id': 'womi_overstatement',
            'value': 'is_detractor - would_discourage',
            'base': 'would_discourage',
            'weight': 'weight',
        },
    ]) | indent(4) }}

)

select * from final
