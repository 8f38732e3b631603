{{ config(materialized='view') }}
with

sessions as (

    select * from {{ ref('fct_sessions') }}
    -- the company's own visits are no customer's
    where not coalesce(is_internal, false)

),

-- Every goal is a share of the same visits, which few of them met. Visits stand here once, and of a
-- goal the visits that met it in int_sessions_observed: what the metric marts sum up follows from
-- the two (record_sets.sql).
population as (

    select
        session_key as record_key,
        session_date as occurred_date,
        'all' as journey_stage,
        platform as channel,
        'all' as touchpoint_id,
        customer_id
    from sessions

),

visits as (

    select
        session_key as record_key,
        session_date as occurred_date,
        'purchase' as journey_stage,
        platform as channel,
        'all' as touchpoint_id,
        customer_id,
        case when has_purchase then 0 else 1 end as left_empty,
        coalesce(item_viewed_at, cart_added_at, checkout_begun_at, purchased_at) is not null
            as is_shop_visit,
        case when has_error then 1 else 0 end as error
    from sessions

),

-- Visits from search engines, at the touchpoint of what they searched for: the stage and the
-- touchpoint tell the intents apart (search_intent_rules).
landings as (

    select
        sessions.session_key as record_key,
        sessions.session_date as occurred_date,
        coalesce(touchpoints.stage_id, 'awareness') as journey_stage,
        sessions.platform as channel,
        coalesce(touchpoints.touchpoint_id, 'landing_page') as touchpoint_id,
        sessions.customer_id,
        case when sessions.is_engaged then 1 else 0 end as is_engaged,
        case
            when
                coalesce(
                    sessions.item_viewed_at, sessions.cart_added_at, sessions.checkout_begun_at,
                    sessions.purchased_at
                ) is not null
                or sessions.search_count > 0
                then 1
            else 0
        end as has_considered
    from sessions
    left join {{ ref('touchpoints') }} as touchpoints
        on 'search_' || sessions.search_intent = touchpoints.touchpoint_id
    where sessions.search_intent is not null

),

final as (

    {{ observe('population', [
        {'metric_id': visits_record_set(), 'value': '0'},
    ]) | indent(4) }}
    union all
    {{ observe('visits', [
        {'metric_id': 'exit_rate', 'value': 'left_empty', 'where': 'is_shop_visit'},
        {'metric_id': 'error_rate', 'value': 'error'},
    ]) | indent(4) }}
    union all
    {{ observe('landings', [
        {'metric_id': 'search_landing_engagement', 'value': 'is_engaged'},
        {'metric_id': 'search_landing_consideration', 'value': 'has_considered'},
    ]) | indent(4) }}

)

select * from final
