with

responses as (
    select * from {{ ref('int_survey_responses_unioned') }}
),

waves as (
    select * from {{ ref('int_survey_waves') }}
),

invitations as (
    select
        source,
        survey_id,
        invitation_id,
        min(invited_at) as invited_at
    from {{ ref('int_survey_invitations_unioned') }}
    where invitation_id is not null and invited_at is not null
    group by source, survey_id, invitation_id
),

-- An answer belongs to the wave in which it was asked for, however late it comes.
asked as (
    select
        responses.survey_response_key,
        responses.source,
        responses.survey_id,
        coalesce(
            {{ local_date('coalesce(responses.invited_at, invitations.invited_at)') }},
            responses.submitted_date
        ) as asked_date
    from responses
    left join invitations
        on
            responses.source = invitations.source
            and responses.survey_id = invitations.survey_id
            and responses.invitation_id = invitations.invitation_id
),

final as (
    select
        asked.survey_response_key,
        waves.wave_id
    from asked
    inner join waves
        on
            asked.source = waves.source
            and asked.survey_id = waves.survey_id
            and asked.asked_date >= waves.starts_on
            and (waves.next_starts_on is null or asked.asked_date < waves.next_starts_on)
)

select * from final
