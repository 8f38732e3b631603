with

contacts as (

    select * from {{ ref('int_service_contacts_judged') }}

),

scores as (

    select
        scores.survey_answer_key,
        responses.service_case_key
    from {{ ref('int_survey_scores_placed') }} as scores
    inner join {{ ref('int_survey_responses_identified') }} as responses
        on scores.survey_response_key = responses.survey_response_key
    where scores.metric_id = 'csat'

),

cases as (

    select * from {{ ref('fct_service_cases') }}

),

-- Who dealt with what: the contact's own words, or those of the case that a score is about.
attributes as (

    select
        contact_key as record_key,
        coalesce(agent_id, 'unknown') as agent_id,
        coalesce(team_id, 'unknown') as team_id,
        coalesce(channel, 'unknown') as channel,
        coalesce(topic, 'unknown') as topic,
        agent_id is not null as has_agent
    from contacts
    union all
    select
        scores.survey_answer_key as record_key,
        coalesce(cases.agent_id, 'unknown') as agent_id,
        coalesce(cases.team_id, 'unknown') as team_id,
        coalesce(cases.channel, 'unknown') as channel,
        coalesce(cases.topic, 'unknown') as topic,
        cases.agent_id is not null as has_agent
    from scores
    inner join cases on scores.service_case_key = cases.service_case_key

),

-- The values are those of the metrics (int_service_observed), no second definition.
observed as (

    select * from {{ ref('int_service_observed') }}
    where
        metric_id in (
            'average_handling_time', 'first_contact_resolution', 'transfer_rate', 'agent_csat',
            'self_service_containment', 'escalation_rate', 'service_to_sales',
            'first_response_time', 'first_response_time_p90', 'first_response_in_time',
            'resolution_time', 'resolution_time_p90', 'resolution_in_time'
        )

),

dated as (

    select
        observed.metric_id,
        observed.record_key,
        period_types.period_type,
        {{ period_start('observed.occurred_date', 'period_types.period_type') }} as period_start,
        coalesce(observed.customer_id, 'record:' || observed.record_key) as customer_id,
        observed.value_number,
        -- a survey that weighs its respondents weighs them here too
        coalesce(observed.weight, 1) as weight,
        coalesce(observed.is_censored, false) as is_censored,
        attributes.agent_id,
        attributes.team_id,
        attributes.channel,
        attributes.topic,
        attributes.has_agent
    from observed
    inner join attributes on observed.record_key = attributes.record_key
    cross join (
        {{- period_types(['month', 'quarter']) | indent(4) }}
    ) as period_types

),

final as (

    -- what a machine settles is nobody's merit
    {%- set is_of_people = "metric_id not in ('self_service_containment', 'escalation_rate')" %}
    {%- set kinds = {
        'agent': ('agent_id', 'team_id', 'has_agent and ' ~ is_of_people),
        'team': ('team_id', 'cast(null as string)', "team_id <> 'unknown' and " ~ is_of_people),
        'channel': ('channel', 'cast(null as string)', 'true'),
        'topic': ('topic', 'cast(null as string)', 'true'),
    } %}
    {%- for kind, (subject, team, condition) in kinds.items() %}
    select
        metric_id,
        record_key,
        period_type,
        period_start,
        '{{ kind }}' as subject_kind,
        {{ subject }} as subject_id,
        {{ team }} as team_id,
        channel,
        topic,
        customer_id,
        value_number,
        weight,
        is_censored
    from dated
    where {{ condition }}
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}

)

select * from final
