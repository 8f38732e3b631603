{{ read_in_place() }}
with

contacts as (

    select
        contact_key as record_key,
        contact_date as occurred_date,
        coalesce(journey_stage, 'support') as journey_stage,
        channel,
        touchpoint_id,
        customer_id,
        service_case_key,
        agent_id,
        wait_seconds,
        is_abandoned,
        handle_seconds,
        is_transferred,
        begins_with_machine,
        is_contained,
        is_passed_on,
        is_resolved_at_first,
        has_sale,
        response_open_seconds,
        is_response_pending,
        solution_open_seconds,
        is_solution_pending
    from {{ ref('int_service_contacts_judged') }}

),

scores as (

    select
        placed.*,
        coalesce(placed.positive_from, metrics.positive_from) as satisfied_from
    from {{ ref('int_survey_scores_placed') }} as placed
    inner join {{ ref('metric_catalogue') }} as metrics
        on
            placed.metric_id = metrics.answer_metric_id
            and placed.scale_min = metrics.scale_min
            and placed.scale_max = metrics.scale_max
    where metrics.metric_id = 'csat'

),

responses as (

    select * from {{ ref('int_survey_responses_identified') }}

),

cases as (

    select * from {{ ref('fct_service_cases') }}

),

-- A case is timed once, in the place of its first contact.
first_contacts as (

    select * from contacts
    where response_open_seconds is not null
    qualify row_number() over (
        partition by service_case_key order by occurred_date, record_key
    ) = 1

),

-- What waits is late when its time is up, and before that neither late nor in time.
promised as (

    select
        *,
        response_open_seconds > 3600 * {{ metric_setting('response_target_hours') }}
            as is_response_late,
        solution_open_seconds > 3600 * {{ metric_setting('resolution_target_hours') }}
            as is_solution_late
    from first_contacts

),

-- a score of the help that an agent gave
agent_scores as (

    select
        scores.survey_answer_key as record_key,
        scores.occurred_date,
        scores.journey_stage,
        scores.channel,
        scores.touchpoint_id,
        scores.customer_id,
        scores.weight,
        case when scores.good_score >= scores.satisfied_from then 1 else 0 end as is_satisfied
    from scores
    inner join responses on scores.survey_response_key = responses.survey_response_key
    inner join cases on responses.service_case_key = cases.service_case_key
    where cases.agent_id is not null

),

-- Contacts over orders: two sides of one ratio, which meet in the total only.
loads as (

    select
        record_key,
        occurred_date,
        'all' as journey_stage,
        'all' as channel,
        'all' as touchpoint_id,
        customer_id,
        contact_count,
        order_count
    from {{ ref('int_service_loads_counted') }}

),

baselines as (

    select * from {{ ref('int_service_baselines_measured') }}
    where handle_hours is not null and contacts_per_order is not null

),

-- What the orders of a day would have cost in service time at the baseline, less what was spent.
savings as (

    select
        loads.record_key,
        loads.occurred_date,
        loads.journey_stage,
        loads.channel,
        loads.touchpoint_id,
        loads.customer_id,
        loads.order_count,
        (loads.order_count * baselines.contacts_per_order - loads.contact_count)
        * baselines.handle_hours as saved_hours
    from loads
    inner join baselines
        on loads.occurred_date between baselines.holds_from and baselines.holds_until

),

final as (

    {{ observe('contacts', [
        {
            'metric_id': 'average_handling_time',
            'value': 'handle_seconds',
            'where': 'handle_seconds is not null',
        },
        {
            'metric_id': 'average_speed_of_answer',
            'value': 'wait_seconds',
            'where': 'wait_seconds is not null and agent_id is not null',
        },
        {
            'metric_id': 'contact_abandonment',
            'value': 'case when is_abandoned then 1 else 0 end',
            'where': 'is_abandoned or agent_id is not null',
        },
        {
            'metric_id': 'first_contact_resolution',
            'value': 'is_resolved_at_first',
            'where': 'is_resolved_at_first is not null',
        },
        {
            'metric_id': 'transfer_rate',
            'value': 'case when is_transferred then 1 else 0 end',
            'where': 'agent_id is not null',
        },
        {
            'metric_id': 'self_service_containment',
            'value': 'case when is_contained then 1 else 0 end',
            'where': 'begins_with_machine',
        },
        {
            'metric_id': 'escalation_rate',
            'value': 'case when agent_id is not null then 1 else 0 end',
            'where': "begins_with_machine and channel <> 'phone'",
        },
        {
            'metric_id': 'service_to_sales',
            'value': 'has_sale',
            'where': 'has_sale is not null and not is_passed_on',
        },
    ]) | indent(4) }}
    union all
    {{ observe('promised', [
        {
            'metric_id': 'first_response_time',
            'value': 'response_open_seconds',
            'censored': 'is_response_pending',
        },
        {
            'metric_id': 'first_response_time_p90',
            'value': 'response_open_seconds',
            'censored': 'is_response_pending',
        },
        {
            'metric_id': 'resolution_time',
            'value': 'solution_open_seconds',
            'censored': 'is_solution_pending',
        },
        {
            'metric_id': 'resolution_time_p90',
            'value': 'solution_open_seconds',
            'censored': 'is_solution_pending',
        },
        {
            'metric_id': 'first_response_in_time',
            'value': 'case when is_response_late then 0 else 1 end',
            'where': 'is_response_late or not is_response_pending',
        },
        {
            'metric_id': 'resolution_in_time',
            'value': 'case when is_solution_late then 0 else 1 end',
            'where': 'is_solution_late or not is_solution_pending',
        },
    ]) | indent(4) }}
    union all
    {{ observe('agent_scores', [
        {
            'metric_id': 'agent_csat',
            'value': 'is_satisfied',
            'weight': 'weight',
        },
    ]) | indent(4) }}
    union all
    {{ observe('loads', [
        {
            'metric_id': 'contacts_per_order',
            'value': 'contact_count',
            'base': 'order_count',
            'counted': 'order_count = 1',
        },
    ]) | indent(4) }}
    union all
    {{ observe('savings', [
        {
            'metric_id': 'saved_service_hours',
            'value': 'saved_hours',
            'counted': 'order_count = 1',
        },
        {
            'metric_id': 'saved_service_cost',
            'value': 'saved_hours * ' ~ metric_setting('service_hour_cost'),
            'counted': 'order_count = 1',
        },
    ]) | indent(4) }}

)

select * from final
