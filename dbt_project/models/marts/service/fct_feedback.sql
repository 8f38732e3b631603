{%- set identifiers = ['contact_id', 'user_id', 'loyalty_id', 'email_hash'] -%}
with

feedback as (
    select
        *,
        -- what the tool does not place is about what its kind is about
        coalesce(
            touchpoint_id,
            case kind
                when 'mystery_visits' then 'store_visit'
                when 'reviews' then 'review_written'
                when 'testimonials' then 'review_written'
            end
        ) as placed_touchpoint_id
    from {{ ref('int_feedback_unioned') }}
),

touchpoints as (
    select * from {{ ref('touchpoints') }}
),

final as (
    select
        feedback.feedback_key,
        feedback.source,
        feedback.kind,
        feedback.feedback_id,
        {{ known_customer(identifiers) }} as customer_id,
        feedback.given_at,
        {{ local_date('feedback.given_at') }} as given_date,
        touchpoints.stage_id as journey_stage,
        coalesce(feedback.channel, touchpoints.channel) as channel,
        feedback.placed_touchpoint_id as touchpoint_id,
        feedback.place,
        feedback.product_id,
        feedback.rating,
        feedback.scale_min,
        feedback.scale_max,
        case
            when feedback.rating between feedback.scale_min and feedback.scale_max
                then
                    (feedback.rating - feedback.scale_min)
                    / nullif(feedback.scale_max - feedback.scale_min, 0)
        end as rating_share,
        feedback.theme,
        feedback.language,
        feedback.feedback_text is not null as has_text
    from feedback
    left join touchpoints on feedback.placed_touchpoint_id = touchpoints.touchpoint_id
    {{- known_customer_joins('feedback', identifiers) }}
)

select * from final
