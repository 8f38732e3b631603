with

responses as (

    select * from {{ ref('int_survey_responses_unioned') }}

),

invitations as (

    select * from {{ ref('int_survey_invitations_unioned') }}

),

answers as (

    select * from {{ ref('int_survey_answers_unioned') }}

),

questions as (

    select * from {{ ref('survey_questions') }}

),

invited_surveys as (

    select distinct
        source,
        survey_id
    from invitations

),

invitations_by_id as (

    select
        source,
        invitation_id,
        min(invited_at) as invited_at
    from invitations
    group by source, invitation_id

),

responses_compared as (

    select
        responses.*,
        count(*) over (partition by source, response_id) as id_count,
        row_number() over (
            partition by
                source,
                survey_id,
                coalesce(
                    invitation_id,
                    coalesce(contact_id, email_hash, phone_hash, user_id, loyalty_id)
                    || '|' || coalesce(order_ref, case_ref, touchpoint_id, '')
                    || '|' || cast(submitted_date as {{ type_string() }}),
                    response_id
                )
            order by submitted_at, response_id
        ) as answer_number,
        {{ seconds_between('started_at', 'submitted_at') }} as answer_seconds
    from responses

),

durations as (

    select
        source,
        survey_id,
        median(answer_seconds) as usual_seconds,
        count(*) as timed_count
    from responses_compared
    where answer_seconds > 0
    group by source, survey_id

),

joined as (

    select
        responses.*,
        durations.usual_seconds,
        durations.timed_count,
        invited_surveys.survey_id is not null as has_invitations,
        invitations_by_id.invitation_id is not null as is_invited,
        coalesce(responses.invited_at, invitations_by_id.invited_at) as known_invited_at
    from responses_compared as responses
    left join durations
        on
            responses.source = durations.source
            and responses.survey_id = durations.survey_id
    left join invited_surveys
        on
            responses.source = invited_surveys.source
            and responses.survey_id = invited_surveys.survey_id
    left join invitations_by_id
        on
            responses.source = invitations_by_id.source
            and responses.invitation_id = invitations_by_id.invitation_id

),

scores as (

    select
        answers.source,
        answers.survey_answer_key,
        answers.survey_response_key,
        answers.question_version,
        answers.survey_id,
        answers.question_id,
        answers.submitted_at,
        answers.answer_number,
        questions.scale_min,
        questions.scale_max
    from answers
    inner join questions
        on
            answers.source = questions.source
            and answers.survey_id = questions.survey_id
            and answers.question_id = questions.question_id
            and (
                answers.question_version = cast(questions.question_version as {{ type_string() }})
                or answers.question_version is null
            )
    where questions.scale_min is not null and questions.scale_max is not null

),

-- Five questions or more on one scale make a grid.
grids as (

    select
        survey_response_key,
        max(case when is_straight then 1 else 0 end) = 1 as is_straight
    from (
        select
            survey_response_key,
            min(answer_number) = max(answer_number) as is_straight
        from scores
        where answer_number is not null
        group by survey_response_key, scale_min, scale_max
        having count(distinct question_id) >= 5
    ) as answered
    group by survey_response_key

),

question_months as (

    select
        source,
        survey_id,
        question_id,
        question_version,
        date_trunc('month', submitted_at) as month_start,
        count(*) as answer_count,
        min(submitted_at) as first_submitted_at,
        max(answer_number) as highest_answer
    from scores
    where answer_number is not null
    group by
        source, survey_id, question_id, question_version, date_trunc('month', submitted_at)

),

question_months_compared as (

    select
        *,
        max(highest_answer) over (
            partition by source, survey_id, question_id, question_version
        ) as usual_highest_answer
    from question_months

),

united as (

    select
        joined.source,
        joined.survey_response_key as sample_key,
        submitted_at as occurred_at,
        submitted_date as event_date,
        survey_id as subject,
        cast(null as {{ type_string() }}) as detail,
        case when has_invitations then not is_invited end as rec06,
        cast(null as boolean) as sur01,
        answer_number > 1 or id_count > 1 as sur02,
        case
            when timed_count >= 30 and answer_seconds > 0
                then answer_seconds < usual_seconds / 5
        end as sur03,
        grids.is_straight as sur04,
        case when known_invited_at is not null then submitted_at < known_invited_at end as sur05,
        cast(null as boolean) as sur07
    from joined
    left join grids
        on joined.survey_response_key = grids.survey_response_key

    union all

    select
        source,
        survey_answer_key as sample_key,
        submitted_at as occurred_at,
        {{ local_date('submitted_at') }} as event_date,
        survey_id as subject,
        question_id as detail,
        cast(null as boolean) as rec06,
        case
            when answer_number is not null
                then answer_number < scale_min or answer_number > scale_max
        end as sur01,
        cast(null as boolean) as sur02,
        cast(null as boolean) as sur03,
        cast(null as boolean) as sur04,
        cast(null as boolean) as sur05,
        cast(null as boolean) as sur07
    from scores

    union all

    select
        source,
        {{ surrogate_key(
            ['source', 'survey_id', 'question_id', 'question_version', 'month_start']
        ) }} as sample_key,
        first_submitted_at as occurred_at,
        {{ local_date('first_submitted_at') }} as event_date,
        survey_id as subject,
        question_id as detail,
        cast(null as boolean) as rec06,
        cast(null as boolean) as sur01,
        cast(null as boolean) as sur02,
        cast(null as boolean) as sur03,
        cast(null as boolean) as sur04,
        cast(null as boolean) as sur05,
        -- Fifteen people who all stay in the lower half answered another scale.
        case
            when answer_count >= 15 and usual_highest_answer >= 4
                then highest_answer <= usual_highest_answer / 2
        end as sur07
    from question_months_compared

),

judged as (

    select
        source,
        sample_key,
        occurred_at,
        event_date,
        'survey' as platform,
        subject,
        detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        rec06,
        sur01,
        sur02,
        sur03,
        sur04,
        sur05,
        sur07
    from united

)

select * from judged
