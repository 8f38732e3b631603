with

waved as (
    select * from {{ ref('survey_waves') }}
),

invitations as (
    select
        source,
        survey_id,
        invited_at
    from {{ ref('int_survey_invitations_unioned') }}
    where coalesce(is_delivered, true) and invited_at is not null
),

responses as (
    select * from {{ ref('int_survey_responses_unioned') }}
),

invited_surveys as (
    select distinct
        source,
        survey_id
    from (
        select
            source,
            survey_id
        from invitations
        union all
        select
            source,
            survey_id
        from responses
        where invited_at is not null
    ) as invited
),

-- A late answer must not stretch a wave: where anybody is invited, invitations alone make waves.
asked as (
    select
        source,
        survey_id,
        {{ local_date('invited_at') }} as asked_date
    from invitations
    union
    select
        source,
        survey_id,
        {{ local_date('invited_at') }} as asked_date
    from responses
    where invited_at is not null
    union
    select
        responses.source,
        responses.survey_id,
        responses.submitted_date as asked_date
    from responses
    left join invited_surveys
        on
            responses.source = invited_surveys.source
            and responses.survey_id = invited_surveys.survey_id
    where invited_surveys.survey_id is null and responses.submitted_date is not null
),

followed as (
    select
        asked.source,
        asked.survey_id,
        asked.asked_date,
        waved.wave_gap_days,
        lag(asked.asked_date) over (
            partition by asked.source, asked.survey_id order by asked.asked_date
        ) as previous_date
    from asked
    inner join waved on asked.source = waved.source and asked.survey_id = waved.survey_id
),

begun as (
    select
        source,
        survey_id,
        asked_date,
        sum(
            case
                when asked_date <= {{ days_after('previous_date', 'wave_gap_days') }} then 0
                else 1
            end
        ) over (
            partition by source, survey_id order by asked_date
            rows between unbounded preceding and current row
        ) as wave_number
    from followed
),

waves as (
    select
        source,
        survey_id,
        wave_number,
        min(asked_date) as starts_on,
        max(asked_date) as last_asked_on
    from begun
    group by source, survey_id, wave_number
),

final as (
    select
        source,
        survey_id,
        cast(starts_on as string) as wave_id,
        starts_on,
        last_asked_on,
        lead(starts_on) over (
            partition by source, survey_id order by starts_on
        ) as next_starts_on
    from waves
)

select * from final
