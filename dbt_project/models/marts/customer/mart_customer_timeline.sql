with

sessions as (
    select * from {{ ref('fct_sessions') }}
    where customer_id is not null
),

orders as (
    select * from {{ ref('fct_orders') }}
    where customer_id is not null and not is_test
),

responses as (
    select * from {{ ref('fct_survey_responses') }}
    where customer_id is not null
),

scores as (
    select * from {{ ref('int_survey_scores_conformed') }}
),

cases as (
    select * from {{ ref('fct_service_cases') }}
    where customer_id is not null and not is_deleted
),

service_contacts as (
    select * from {{ ref('fct_service_contacts') }}
    where customer_id is not null
),

messages as (
    select * from {{ ref('fct_messages') }}
    where customer_id is not null
),

touchpoints as (
    select * from {{ ref('fct_touchpoints') }}
    where customer_id is not null
),

stages as (
    select * from {{ ref('journey_stages') }}
),

channels as (
    select * from {{ ref('channels') }}
),

vault as (
    select * from {{ ref('personal_data_vault') }}
    where customer_id is not null
),

-- of the scores of a response, the one that says most about the whole
response_scores as (
    select
        survey_response_key,
        min_by(
            {{ record({
                'metric_id': 'metric_id',
                'score': 'score',
                'scale_max': 'scale_max',
            }) }},
            {{ sort_key([
                "case metric_id when 'nps' then 1 when 'ces' then 2 when 'csat' then 3 else 4 end",
                'metric_id',
                'survey_answer_key',
            ]) }}
        ) as picked
    from scores
    where is_valid_score
    group by survey_response_key
),

response_comments as (
    select
        survey_response_key,
        {{ distinct_values_text('trim(comment_text)') }} as comment_text
    from scores
    where has_comment
    group by survey_response_key
),

spoken_names as (
    select
        customer_id,
        first_name as name
    from vault
    where length(trim(first_name)) >= 2
    union
    select
        customer_id,
        last_name as name
    from vault
    where length(trim(last_name)) >= 2
),

customer_names as (
    select
        customer_id,
        {{ distinct_values_text('trim(name)') }} as names
    from spoken_names
    group by customer_id
),

name_patterns as (
    select
        customer_id,
        {{ names_pattern('names') }} as names_pattern
    from customer_names
),

masked_comments as (
    select
        responses.survey_response_key,
        {{ masked_names(
            masked_text('response_comments.comment_text'), 'name_patterns.names_pattern'
        ) }} as comment_text
    from response_comments
    inner join responses
        on response_comments.survey_response_key = responses.survey_response_key
    left join name_patterns on responses.customer_id = name_patterns.customer_id
),

-- a visit meets many touchpoints: the last of those that lead furthest stands for it
session_touchpoints as (
    select
        touchpoints.session_key as record_key,
        'session' as encounter_kind,
        max_by(
            {{ record({
                'touchpoint_id': 'touchpoints.touchpoint_id',
                'journey_stage': 'touchpoints.journey_stage',
            }) }},
            {{ sort_key([
                'stages.stage_order', 'touchpoints.occurred_at', 'touchpoints.touchpoint_key'
            ]) }}
        ) as picked
    from touchpoints
    inner join stages on touchpoints.journey_stage = stages.stage_id
    where touchpoints.session_key is not null
    group by touchpoints.session_key
),

encounter_touchpoints as (
    select
        record_key,
        encounter_kind,
        picked.touchpoint_id as touchpoint_id,
        picked.journey_stage as journey_stage,
        cast(null as string) as channel
    from session_touchpoints
    union all
    select
        record_key,
        case source_kind when 'survey' then 'survey_response' else source_kind end
            as encounter_kind,
        touchpoint_id,
        journey_stage,
        channel
    from touchpoints
    where source_kind not in ('web_event', 'ad')
),

encounters as (
    select
        'session' as encounter_kind,
        session_key as record_key,
        source,
        customer_id,
        started_at as occurred_at,
        platform as channel,
        channel_group as detail,
        cast(null as string) as score_metric_id,
        cast(null as double) as score,
        cast(null as integer) as score_scale_max,
        cast(null as string) as comment_text,
        cast(null as decimal(18, 2)) as value_eur,
        duration_seconds
    from sessions
    union all
    select
        'order' as encounter_kind,
        order_key as record_key,
        source,
        customer_id,
        ordered_at as occurred_at,
        channel,
        status as detail,
        cast(null as string) as score_metric_id,
        cast(null as double) as score,
        cast(null as integer) as score_scale_max,
        cast(null as string) as comment_text,
        net_amount_eur as value_eur,
        cast(null as double) as duration_seconds
    from orders
    union all
    select
        'survey_response' as encounter_kind,
        responses.survey_response_key as record_key,
        responses.source,
        responses.customer_id,
        responses.submitted_at as occurred_at,
        responses.channel,
        responses.survey_id as detail,
        response_scores.picked.metric_id as score_metric_id,
        response_scores.picked.score as score,
        response_scores.picked.scale_max as score_scale_max,
        masked_comments.comment_text,
        cast(null as decimal(18, 2)) as value_eur,
        responses.answer_seconds as duration_seconds
    from responses
    left join response_scores
        on responses.survey_response_key = response_scores.survey_response_key
    left join masked_comments
        on responses.survey_response_key = masked_comments.survey_response_key
    union all
    select
        'service_case' as encounter_kind,
        service_case_key as record_key,
        source,
        customer_id,
        created_at as occurred_at,
        channel,
        topic as detail,
        cast(null as string) as score_metric_id,
        cast(null as double) as score,
        cast(null as integer) as score_scale_max,
        cast(null as string) as comment_text,
        cast(null as decimal(18, 2)) as value_eur,
        resolution_seconds as duration_seconds
    from cases
    union all
    select
        'service_contact' as encounter_kind,
        service_contact_key as record_key,
        source,
        customer_id,
        started_at as occurred_at,
        channel,
        topic as detail,
        cast(null as string) as score_metric_id,
        cast(null as double) as score,
        cast(null as integer) as score_scale_max,
        cast(null as string) as comment_text,
        cast(null as decimal(18, 2)) as value_eur,
        handle_seconds as duration_seconds
    from service_contacts
    union all
    select
        'message' as encounter_kind,
        message_event_key as record_key,
        source,
        customer_id,
        occurred_at,
        channel,
        event_type as detail,
        cast(null as string) as score_metric_id,
        cast(null as double) as score,
        cast(null as integer) as score_scale_max,
        cast(null as string) as comment_text,
        cast(null as decimal(18, 2)) as value_eur,
        cast(null as double) as duration_seconds
    from messages
),

final as (
    select
        {{ surrogate_key(['encounters.encounter_kind', 'encounters.record_key']) }}
            as encounter_key,
        encounters.customer_id,
        cast(row_number() over (
            partition by encounters.customer_id
            order by encounters.occurred_at, encounters.encounter_kind, encounters.record_key
        ) as bigint) as encounter_number,
        encounters.encounter_kind,
        encounters.record_key,
        encounters.source,
        encounters.occurred_at,
        {{ local_date('encounters.occurred_at') }} as occurred_date,
        coalesce(encounter_touchpoints.channel, encounters.channel) as channel,
        channels.is_digital,
        encounter_touchpoints.touchpoint_id,
        encounter_touchpoints.journey_stage,
        encounters.detail,
        encounters.score_metric_id,
        encounters.score,
        encounters.score_scale_max,
        encounters.comment_text,
        encounters.value_eur,
        encounters.duration_seconds
    from encounters
    left join encounter_touchpoints
        on
            encounters.encounter_kind = encounter_touchpoints.encounter_kind
            and encounters.record_key = encounter_touchpoints.record_key
    left join channels
        on coalesce(encounter_touchpoints.channel, encounters.channel) = channels.channel_id
)

select * from final
