{{ rebuilt_by('session_key', 'int_touched_sessions') }}
-- depends_on: {{ ref('int_touched_sessions') }}

with

events as (
    select * from {{ ref('int_web_events_unioned') }}
    where
        client_id is not null
        and session_ref is not null
        {%- if is_incremental() %}
        and {{ is_of_touched_session() }}
        {%- endif %}
),

steps as (
    select
        journey_id,
        cast(step_number as integer) as step_number,
        event_name
    from {{ source('plan', 'journey_steps') }}
),

moments as (
    select
        {{ session_key('events.') }} as session_key,
        steps.journey_id,
        steps.step_number,
        events.occurred_at
    from events
    inner join steps on events.event_name = steps.event_name
),

entries as (
    select
        session_key,
        journey_id,
        min(occurred_at) as entered_at
    from moments
    where step_number = 1
    group by session_key, journey_id
),

met as (
    select
        moments.session_key,
        moments.journey_id,
        moments.step_number,
        entries.entered_at,
        min(moments.occurred_at) as reached_at,
        max(moments.occurred_at) as last_met_at,
        count(*) as meeting_count
    from moments
    inner join entries
        on
            moments.session_key = entries.session_key
            and moments.journey_id = entries.journey_id
    where moments.occurred_at >= entries.entered_at
    group by moments.session_key, moments.journey_id, moments.step_number, entries.entered_at
),

attempts as (
    select
        session_key,
        journey_id,
        min(entered_at) as entered_at,
        max(step_number) as deepest_step,
        max(last_met_at) as last_met_at
    from met
    group by session_key, journey_id
),

-- Who is seen at a later step has passed the ones before it, whether or not their events came.
passed as (
    select
        attempts.session_key,
        attempts.journey_id,
        steps.step_number,
        steps.event_name,
        attempts.entered_at,
        attempts.last_met_at,
        attempts.deepest_step,
        met.reached_at,
        coalesce(met.meeting_count, 0) as meeting_count,
        lead(met.reached_at) over (
            partition by attempts.session_key, attempts.journey_id order by steps.step_number
        ) as next_reached_at
    from attempts
    inner join steps
        on
            attempts.journey_id = steps.journey_id
            and attempts.deepest_step >= steps.step_number
    left join met
        on
            attempts.session_key = met.session_key
            and attempts.journey_id = met.journey_id
            and steps.step_number = met.step_number
),

lengths as (
    select
        journey_id,
        max(step_number) as step_count
    from steps
    group by journey_id
),

final as (
    select
        {{ surrogate_key([
            "'journey_step'", 'passed.session_key', 'passed.journey_id', 'passed.step_number'
        ]) }} as journey_step_key,
        passed.session_key,
        passed.journey_id,
        passed.step_number,
        passed.event_name,
        passed.entered_at,
        passed.last_met_at,
        passed.reached_at,
        passed.meeting_count,
        passed.deepest_step,
        passed.deepest_step > passed.step_number as is_continued,
        passed.deepest_step = lengths.step_count as is_completed,
        case
            when passed.next_reached_at >= passed.reached_at
                then {{ seconds_between('passed.reached_at', 'passed.next_reached_at') }}
        end as seconds_to_next
    from passed
    inner join lengths on passed.journey_id = lengths.journey_id
)

select * from final
