{%- set cell = ['month_start', 'source', 'survey_id', 'channel'] -%}
with

invitations as (
    select
        *,
        {{ identity_record_key('survey_invitation', ['contact_id', 'email_hash', 'phone_hash']) }}
            as identity_record_key
    from {{ ref('int_survey_invitations_unioned') }}
    where coalesce(is_delivered, true) and invited_at is not null
),

responses as (
    select * from {{ ref('int_survey_responses_unioned') }}
    where submitted_at is not null
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

responded as (
    select distinct
        source,
        survey_id,
        invitation_id
    from responses
    where invitation_id is not null
),

totals as (
    select cast(null as string) as channel
    union all
    select 'all' as channel
),

-- one row per delivered invitation, in its channel and in all of them
invited as (
    select
        cast(date_trunc('month', {{ local_date('invitations.invited_at') }}) as date)
            as month_start,
        invitations.source,
        invitations.survey_id,
        coalesce(totals.channel, invitations.channel, 'unknown') as channel,
        coalesce(
            records_resolved.customer_id, 'record:' || invitations.survey_invitation_key
        ) as customer_id,
        case when responded.invitation_id is null then 0 else 1 end as is_answered
    from invitations
    cross join totals
    left join responded
        on
            invitations.source = responded.source
            and invitations.survey_id = responded.survey_id
            and invitations.invitation_id = responded.invitation_id
    left join records_resolved
        on invitations.identity_record_key = records_resolved.identity_record_key
),

bases as (
    select
        {{ cell | join(', ') }},
        customer_id,
        count(*) as n
    from invited
    group by {{ cell | join(', ') }}, customer_id
),

-- those who did not answer stay in with none, so that a survey that nobody answered has a rate
items as (
    select
        {{ cell | join(', ') }},
        'answered' as item,
        customer_id,
        sum(is_answered) as n
    from invited
    group by {{ cell | join(', ') }}, customer_id
),

shares as (
    {{ clustered_shares('items', 'bases', cell, ['item']) | indent(4) }}
),

-- a form that is open to all has answers, and nobody knows who might have given one
uninvited as (
    select
        cast(date_trunc('month', submitted_date) as date) as month_start,
        source,
        survey_id,
        'all' as channel,
        count(*) as response_count
    from responses
    where invitation_id is null
    group by cast(date_trunc('month', submitted_date) as date), source, survey_id
),

settings as (
    select
        {{ metric_setting('min_published_n') }} as min_published_n,
        {{ metric_setting('small_sample_n') }} as small_sample_n
),

-- a small channel is withheld, and so is the total from which it could be computed back
shown as (
    select
        shares.*,
        shares.base_n >= settings.min_published_n
        and not (
            shares.channel = 'all'
            and sum(
                case
                    when shares.channel <> 'all' and shares.base_n < settings.min_published_n
                        then shares.base_n
                    else 0
                end
            ) over (partition by shares.month_start, shares.source, shares.survey_id)
            between 1 and settings.min_published_n - 1
        ) as is_shown,
        shares.base_n < settings.small_sample_n as is_small_sample
    from shares
    cross join settings
),

final as (
    select
        coalesce(shown.month_start, uninvited.month_start) as month_start,
        coalesce(shown.source, uninvited.source) as source,
        coalesce(shown.survey_id, uninvited.survey_id) as survey_id,
        coalesce(shown.channel, uninvited.channel) as channel,
        coalesce(shown.base_n, 0) as delivered_count,
        case when shown.is_shown then shown.n end as answered_count,
        case when shown.is_shown then shown.share end as response_rate,
        case when shown.is_shown then shown.share_ci_low end as response_rate_ci_low,
        case when shown.is_shown then shown.share_ci_high end as response_rate_ci_high,
        coalesce(shown.is_small_sample, true) as is_small_sample,
        coalesce(uninvited.response_count, 0) as uninvited_response_count
    from shown
    full outer join uninvited
        on {{ agree_on(cell, 'shown', 'uninvited') }}
)

select * from final
