{{ written_by_difference() }}
with

answers as (

    select * from {{ ref('int_survey_scores_conformed') }}
    where nullif(trim(comment_text), '') is not null

),

settings as (

    select
        {{ metric_setting('interval_z') }} as z,
        {{ metric_setting('min_published_n') }} as min_published_n

),

decisive as (

    select
        survey_response_key,
        max(comment_text) as touchpoint_id,
        max(submitted_date) as occurred_date
    from answers
    where metric_id = 'ctt_decisive'
    group by survey_response_key

),

caused as (

    select distinct
        survey_response_key,
        lower(trim(comment_text)) as cause
    from answers
    where dimension = 'ctt_cause'

),

named as (

    select
        period_types.period_type,
        {{ period_start('decisive.occurred_date', 'period_types.period_type') }} as period_start,
        decisive.touchpoint_id,
        caused.cause,
        count(*) as named_count
    from caused
    inner join decisive on caused.survey_response_key = decisive.survey_response_key
    cross join (
        {{- period_types(['month', 'quarter']) | indent(4) }}
    ) as period_types
    group by
        period_types.period_type,
        {{ period_start('decisive.occurred_date', 'period_types.period_type') }},
        decisive.touchpoint_id,
        caused.cause

),

ranked as (

    select
        *,
        coalesce(
            sum(named_count) over (
                partition by period_type, period_start, touchpoint_id
                order by named_count, cause rows between unbounded preceding and 1 preceding
            ),
            0
        ) as rarer_count
    from named

),

-- What few people wrote is not for others to read: it goes to `other`, with one more cause where
-- the others would still be too few.
grouped as (

    select
        ranked.period_type,
        ranked.period_start,
        ranked.touchpoint_id,
        case
            when
                ranked.named_count < settings.min_published_n
                or (ranked.rarer_count > 0 and ranked.rarer_count < settings.min_published_n)
                then 'other'
            else ranked.cause
        end as cause,
        sum(ranked.named_count) as named_count
    from ranked
    cross join settings
    group by
        ranked.period_type,
        ranked.period_start,
        ranked.touchpoint_id,
        case
            when
                ranked.named_count < settings.min_published_n
                or (ranked.rarer_count > 0 and ranked.rarer_count < settings.min_published_n)
                then 'other'
            else ranked.cause
        end

),

shared as (

    select
        *,
        sum(named_count) over (partition by period_type, period_start, touchpoint_id) as n,
        row_number() over (
            partition by period_type, period_start, touchpoint_id
            order by case when cause = 'other' then 1 else 0 end, named_count desc, cause asc
        ) as cause_rank
    from grouped

),

final as (

    select
        shared.period_type,
        shared.period_start,
        shared.touchpoint_id,
        shared.cause,
        cast(shared.cause_rank as bigint) as cause_rank,
        cast(shared.named_count as bigint) as named_count,
        cast(shared.n as bigint) as n,
        round(cast(shared.named_count as double) / shared.n, 9) as cause_share,
        -- noqa: disable=LT02
        {%- for limit, sign in [('ci_low', '-'), ('ci_high', '+')] %}
        round({{ wilson_limit(
            '(cast(shared.named_count as double) / shared.n)', 'shared.n', 'settings.z', sign
        ) }}, 9) as {{ limit }}{{ "," if not loop.last }}
        {%- endfor %}
    -- noqa: enable=LT02
    from shared
    cross join settings

)

select * from final
