{{ read_in_place() }}
{%- set identifiers = ['contact_id', 'email_hash', 'phone_hash'] -%}
with

invitations as (

    select
        *,
        {{ identity_record_key('survey_invitation', identifiers) }} as identity_record_key
    from {{ ref('int_survey_invitations_unioned') }}
    where coalesce(is_delivered, true)

),

responded as (

    select distinct
        source,
        survey_id,
        invitation_id
    from {{ ref('int_survey_responses_unioned') }}
    where invitation_id is not null and submitted_at is not null

),

customers as (

    select * from {{ ref('int_identity_records_resolved') }}

),

touchpoints as (

    select * from {{ ref('touchpoints') }}

),

-- Only what was delivered could be answered; who opened the form without a word has not answered.
placed as (

    select
        invitations.survey_invitation_key as record_key,
        {{ local_date('invitations.invited_at') }} as occurred_date,
        touchpoints.stage_id as journey_stage,
        invitations.channel,
        invitations.touchpoint_id,
        customers.customer_id,
        responded.invitation_id is not null as has_response
    from invitations
    left join responded
        on
            invitations.source = responded.source
            and invitations.survey_id = responded.survey_id
            and invitations.invitation_id = responded.invitation_id
    left join customers on invitations.identity_record_key = customers.identity_record_key
    left join touchpoints on invitations.touchpoint_id = touchpoints.touchpoint_id

),

final as (

    {{ observe('placed', [
        {'metric_id': 'response_rate', 'value': 'case when has_response then 1 else 0 end'},
    ]) | indent(4) }}

)

select * from final
