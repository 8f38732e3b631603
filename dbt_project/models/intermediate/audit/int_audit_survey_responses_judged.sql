with

responses as (

    select
        unioned.*,
        waved.wave_id,
        coalesce(
            unioned.contact_id, unioned.email_hash, unioned.phone_hash, unioned.user_id,
            unioned.loyalty_id
        ) as respondent
    from {{ ref('int_survey_responses_unioned') }} as unioned
    left join {{ ref('int_survey_responses_waved') }} as waved
        on unioned.survey_response_key = waved.survey_response_key

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

responses_asked as (

    select
        responses.*,
        invited_surveys.survey_id is not null as has_invitations
    from responses
    left join invited_surveys
        on
            responses.source = invited_surveys.source
            and responses.survey_id = invited_surveys.survey_id

),

responses_compared as (

    select
        responses_asked.*,
        count(*) over (partition by source, response_id) as id_count,
        row_number() over (
            partition by
                source,
                survey_id,
                coalesce(
                    -- of a survey in waves one answer a wave, however often somebody is invited
                    respondent || '|wave|' || wave_id,
                    invitation_id,
                    -- What asks of the page that is open may be answered on each.
                    case
                        when
                            coalesce(order_ref, case_ref) is not null
                            or has_invitations
                            then
                                respondent
                                || '|' || coalesce(order_ref, case_ref, touchpoint_id, '')
                                || '|' || cast(submitted_date as {{ type_string() }})
                    end,
                    response_id
                )
            order by submitted_at, response_id
        ) as answer_number,
        {{ seconds_between('started_at', 'submitted_at') }} as answer_seconds
    from responses_asked

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
        invitations_by_id.invitation_id is not null as is_invited,
        coalesce(responses.invited_at, invitations_by_id.invited_at) as known_invited_at
    from responses_compared as responses
    left join durations
        on
            responses.source = durations.source
            and responses.survey_id = durations.survey_id
    left join invitations_by_id
        on
            responses.source = invitations_by_id.source
            and responses.invitation_id = invitations_by_id.invitation_id

),

planned_scales as (

    select * from {{ source('plan', 'surveys') }}

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
        coalesce(planned.scale_min, questions.scale_min) as scale_min,
        coalesce(planned.scale_max, questions.scale_max) as scale_max,
        questions.metric_id,
        coalesce(planned.high_is_good, questions.high_is_good, true) as high_is_good
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
    -- The plan may name a survey's scale; where it does not, the reference table is right.
    left join planned_scales as planned
        on
            {{ plan_asks('planned', 'questions') }}
            and {{ plan_holds('planned', 'cast(answers.submitted_at as date)') }}
    where
        coalesce(planned.scale_min, questions.scale_min) is not null
        and coalesce(planned.scale_max, questions.scale_max) is not null

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

-- Off its scale an answer is another defect, and no measure of how high the others go.
scores_on_scale as (

    select *
    from scores
    where answer_number between scale_min and scale_max

),

question_tops as (

    select
        source,
        survey_id,
        question_id,
        question_version,
        max(answer_number) as usual_highest_answer
    from scores_on_scale
    group by source, survey_id, question_id, question_version

),

question_months as (

    select
        scores.source,
        scores.survey_id,
        scores.question_id,
        scores.question_version,
        question_tops.usual_highest_answer,
        date_trunc('month', scores.submitted_at) as month_start,
        count(*) as answer_count,
        min(scores.submitted_at) as first_submitted_at,
        count(*) filter (where scores.answer_number > question_tops.usual_highest_answer / 2)
            as upper_count
    from scores_on_scale as scores
    inner join question_tops
        on
            scores.source = question_tops.source
            and scores.survey_id = question_tops.survey_id
            and scores.question_id = question_tops.question_id
            and scores.question_version is not distinct from question_tops.question_version
    group by
        scores.source,
        scores.survey_id,
        scores.question_id,
        scores.question_version,
        question_tops.usual_highest_answer,
        date_trunc('month', scores.submitted_at)

),

-- Of the months that reach the upper half alone: a changed scale would hide itself among its own.
question_months_compared as (

    select
        *,
        sum(upper_count) over (partition by source, survey_id, question_id, question_version)
        / nullif(
            sum(case when upper_count > 0 then answer_count end)
                over (partition by source, survey_id, question_id, question_version),
            0
        ) as usual_upper_share
    from question_months

),

answered as (

    select distinct
        source,
        invitation_id
    from responses

),

-- Invitations old enough to have been answered: most who answer do within a week.
invitations_answered as (

    select
        invitations.source,
        invitations.survey_id,
        coalesce(invitations.channel, 'unknown') as channel,
        invitations.invited_at,
        invitations.email_hash,
        invitations.contact_id,
        case when answered.invitation_id is not null then 1 else 0 end as is_answered
    from invitations
    cross join (
        select max(occurred_at) as newest_at
        from (
            select max(submitted_at) as occurred_at from responses
            union all
            select max(invited_at) as occurred_at from invitations
        ) as moments
    ) as newest
    left join answered
        on
            invitations.source = answered.source
            and invitations.invitation_id = answered.invitation_id
    where
        coalesce(invitations.is_delivered, true)
        and invitations.invited_at <= newest.newest_at - interval '7' day

),

contacts_by_email as (

    select
        email_hash,
        min(persona_id) as persona_id,
        min(country) as country
    from {{ ref('int_crm_contacts_unioned') }}
    where email_hash is not null and not coalesce(is_deleted, false)
    group by email_hash

),

contacts_by_id as (

    select
        contact_id,
        min(persona_id) as persona_id,
        min(country) as country
    from {{ ref('int_crm_contacts_unioned') }}
    where not coalesce(is_deleted, false)
    group by contact_id

),

invitations_described as (

    select
        invitations_answered.*,
        coalesce(contacts_by_email.persona_id, contacts_by_id.persona_id) as persona_id,
        coalesce(contacts_by_email.country, contacts_by_id.country) as country
    from invitations_answered
    left join contacts_by_email
        on invitations_answered.email_hash = contacts_by_email.email_hash
    left join contacts_by_id
        on invitations_answered.contact_id = contacts_by_id.contact_id

),

-- Who is compared with all others of the survey: the invited of a week and channel with those of
-- the channel's other weeks (SUR06), a segment with the other segments (SUR09).
groups_invited as (

    select
        'sur06' as flag,
        source,
        survey_id,
        channel as whole,
        channel as detail,
        cast(date_trunc('week', invited_at) as {{ type_string() }}) as part,
        min(invited_at) as occurred_at,
        cast(count(*) as double) as invited_count,
        cast(sum(is_answered) as double) as answered_count
    from invitations_described
    group by source, survey_id, channel, date_trunc('week', invited_at)
    {%- for segment in ['persona_id', 'country'] %}
    union all
    select
        'sur09' as flag,
        source,
        survey_id,
        '{{ segment }}' as whole,
        '{{ segment }} ' || {{ segment }} as detail,
        {{ segment }} as part,
        min(invited_at) as occurred_at,
        cast(count(*) as double) as invited_count,
        cast(sum(is_answered) as double) as answered_count
    from invitations_described
    where {{ segment }} is not null
    group by source, survey_id, {{ segment }}
    {%- endfor %}

),

groups_compared as (

    select
        *,
        sum(invited_count) over (partition by flag, source, survey_id, whole)
        - invited_count as other_invited_count,
        sum(answered_count) over (partition by flag, source, survey_id, whole)
        - answered_count as other_answered_count
    from groups_invited

),

groups_judged as (

    select
        flag,
        source,
        survey_id,
        whole,
        detail,
        part,
        occurred_at,
        answered_count / invited_count as answered_share,
        other_answered_count / other_invited_count as other_answered_share,
        sqrt(
            (answered_count + other_answered_count)
            * (
                invited_count + other_invited_count - answered_count - other_answered_count
            )
            / (invited_count * other_invited_count)
            / (invited_count + other_invited_count)
        ) as standard_error
    from groups_compared
    where invited_count >= 30 and other_invited_count >= 30

),

-- What each text says by the words in it; a text of mixed tone contradicts nothing.
texts as (

    select
        answers.survey_response_key,
        lower(answers.answer_text) as answer_text
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
    where questions.metric_id = 'open_text' and answers.answer_text like '% % %'

),

texts_toned as (

    select
        texts.answer_text,
        min(sentiment_words.tone) as lowest_tone,
        max(sentiment_words.tone) as highest_tone
    from (select distinct answer_text from texts) as texts
    inner join {{ ref('sentiment_words') }} as sentiment_words
        on position(sentiment_words.word_stem in texts.answer_text) > 0
    group by texts.answer_text

),

responses_toned as (

    select
        texts.survey_response_key,
        min(texts_toned.lowest_tone) as lowest_tone,
        max(texts_toned.highest_tone) as highest_tone
    from texts
    inner join texts_toned
        on texts.answer_text = texts_toned.answer_text
    group by texts.survey_response_key
    having min(texts_toned.lowest_tone) = max(texts_toned.highest_tone)

),

-- Overall verdicts alone: a text need not agree with every detail of a grid.
verdicts_scaled as (

    select
        survey_response_key,
        case when high_is_good then 1 else -1 end
        * ((answer_number - scale_min) / nullif(scale_max - scale_min, 0) - 0.5) as distance
    from scores
    where metric_id in ('nps', 'csat', 'ces') and answer_number is not null

),

verdicts as (

    select
        survey_response_key,
        {{ exact_mean('distance') }} + 0.5 as score_share
    from verdicts_scaled
    group by survey_response_key

),

tones_judged as (

    select
        responses_toned.survey_response_key,
        case
            when responses_toned.lowest_tone > 0 then verdicts.score_share <= 0.2
            else verdicts.score_share >= 0.8
        end as sur08
    from responses_toned
    inner join verdicts
        on responses_toned.survey_response_key = verdicts.survey_response_key

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
        cast(null as boolean) as sur06,
        cast(null as boolean) as sur07,
        tones_judged.sur08,
        cast(null as boolean) as sur09
    from joined
    left join grids
        on joined.survey_response_key = grids.survey_response_key
    left join tones_judged
        on joined.survey_response_key = tones_judged.survey_response_key

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
        cast(null as boolean) as sur06,
        cast(null as boolean) as sur07,
        cast(null as boolean) as sur08,
        cast(null as boolean) as sur09
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
        cast(null as boolean) as sur06,
        -- Fifteen people who all stay in the lower half answered another scale, unless most always
        -- do: who would discourage others is asked for an answer that hardly anybody gives.
        case
            when
                answer_count >= 15
                and usual_highest_answer >= 4
                and power(1 - usual_upper_share, answer_count) < 0.0001
                then upper_count = 0
        end as sur07,
        cast(null as boolean) as sur08,
        cast(null as boolean) as sur09
    from question_months_compared

    union all

    select
        source,
        {{ surrogate_key(['flag', 'source', 'survey_id', 'whole', 'part']) }} as sample_key,
        occurred_at,
        {{ local_date('occurred_at') }} as event_date,
        survey_id as subject,
        detail,
        cast(null as boolean) as rec06,
        cast(null as boolean) as sur01,
        cast(null as boolean) as sur02,
        cast(null as boolean) as sur03,
        cast(null as boolean) as sur04,
        cast(null as boolean) as sur05,
        -- Both far beyond chance and large: answers to one day's mails are not independent.
        case
            when flag = 'sur06'
                then
                    abs(answered_share - other_answered_share) > 4 * standard_error
                    and abs(answered_share - other_answered_share) > 0.3 * other_answered_share
        end as sur06,
        cast(null as boolean) as sur07,
        cast(null as boolean) as sur08,
        case
            when flag = 'sur09'
                then
                    other_answered_share - answered_share > 4 * standard_error
                    and answered_share < 0.7 * other_answered_share
        end as sur09
    from groups_judged

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
        sur06,
        sur07,
        sur08,
        sur09
    from united

)

select * from judged
