{{ read_in_place() }}
{#- Metrics of one survey question need no expression here: the catalogue says which answers count,
    on which scale, and from where to where they are a yes or a no; a question of the measurement
    plan may have a cut of its own. -#}
with

scores as (

    select * from {{ ref('int_survey_scores_placed') }}

),

metrics as (

    select * from {{ ref('metric_catalogue') }}
    where answer_metric_id is not null

),

-- Who named the moment that decided, in a response that rated several: a yes for that one, a no for
-- the others.
named as (

    select
        survey_response_key,
        max(comment_text) as touchpoint_id
    from {{ ref('int_survey_scores_conformed') }}
    where metric_id = 'ctt_decisive' and nullif(trim(comment_text), '') is not null
    group by survey_response_key

),

decisive as (

    select
        scores.survey_answer_key as record_key,
        scores.occurred_date,
        scores.journey_stage,
        scores.channel,
        scores.touchpoint_id,
        scores.customer_id,
        coalesce(scores.weight, 1) as weight,
        case when scores.touchpoint_id = named.touchpoint_id then 1 else 0 end as is_decisive
    from scores
    inner join named on scores.survey_response_key = named.survey_response_key
    where scores.metric_id = 'ctt_emotion'

),

-- A low-is-good answer is turned round on its own scale, so that high is good before it is scored.
scored as (

    select
        metrics.metric_id,
        scores.survey_answer_key as record_key,
        scores.occurred_date,
        scores.journey_stage,
        scores.channel,
        scores.touchpoint_id,
        scores.customer_id,
        cast(
            case metrics.estimator
                when 'share'
                    then case
                        when
                            scores.good_score
                            >= coalesce(scores.positive_from, metrics.positive_from)
                            then 1
                        else 0
                    end
                when 'net'
                    then case
                        when scores.good_score >= metrics.positive_from then 1
                        when scores.good_score <= metrics.negative_to then -1
                        else 0
                    end
                else scores.good_score
            end as double
        ) as value_number,
        cast(1 as double) as base_number,
        cast(coalesce(scores.weight, 1) as double) as weight,
        false as is_censored,
        true as is_counted
    from scores
    inner join metrics
        on
            scores.metric_id = metrics.answer_metric_id
            and scores.scale_min = metrics.scale_min
            and scores.scale_max = metrics.scale_max

),

final as (

    select * from scored
    union all
    {{ observe('decisive', [
        {'metric_id': 'ctt_decisive', 'value': 'is_decisive', 'weight': 'weight'},
    ]) | indent(4) }}

)

select * from final
