with

responses as (
    select * from {{ ref('int_survey_responses_unioned') }}
),

invitations as (
    select * from {{ ref('int_survey_invitations_unioned') }}
),

orders as (
    select * from {{ ref('int_orders_valued') }}
),

cases as (
    select * from {{ ref('int_service_cases_unioned') }}
),

-- What a response says of itself goes first; a response that says nothing belongs to whoever was
-- invited, bought or asked.
invitation_keys as (
    select
        source,
        survey_id,
        invitation_id,
        min({{ identity_record_key(
            'survey_invitation', ['contact_id', 'email_hash', 'phone_hash']
        ) }}) as identity_record_key
    from invitations
    where coalesce(contact_id, email_hash, phone_hash) is not null
    group by source, survey_id, invitation_id
    having count(*) = 1
),

order_references as (
    select
        order_id as order_ref,
        order_key,
        identity_record_key
    from orders
    union
    select
        order_name as order_ref,
        order_key,
        identity_record_key
    from orders
    union
    select
        transaction_ref as order_ref,
        order_key,
        identity_record_key
    from orders
),

order_keys as (
    select
        order_ref,
        min(order_key) as order_key,
        min(identity_record_key) as identity_record_key
    from order_references
    where order_ref is not null
    group by order_ref
    -- numbers of two shops may collide: then nobody knows which order is meant
    having count(*) = 1
),

case_keys as (
    select
        case_id,
        min(service_case_key) as service_case_key,
        min({{ identity_record_key('service_case', ['contact_id', 'email_hash', 'phone_hash']) }})
            as identity_record_key
    from cases
    group by case_id
    having count(*) = 1
),

final as (
    select
        responses.survey_response_key,
        responses.source,
        responses.survey_id,
        responses.response_id,
        responses.invitation_id,
        order_keys.order_key,
        case_keys.service_case_key,
        responses.channel,
        responses.touchpoint_id,
        responses.language,
        responses.invited_at,
        responses.started_at,
        responses.submitted_at,
        responses.submitted_date,
        responses.is_complete,
        case
            when
                coalesce(
                    responses.contact_id, responses.user_id, responses.loyalty_id,
                    responses.email_hash, responses.phone_hash, responses.client_id
                ) is not null
                then {{ identity_record_key(
                    'survey_response',
                    ['contact_id', 'user_id', 'loyalty_id', 'email_hash', 'phone_hash', 'client_id'],
                    'responses.source',
                    'responses.'
                ) }}
            else coalesce(
                invitation_keys.identity_record_key,
                order_keys.identity_record_key,
                case_keys.identity_record_key
            )
        end as identity_record_key
    from responses
    left join invitation_keys
        on
            responses.source = invitation_keys.source
            and responses.survey_id = invitation_keys.survey_id
            and responses.invitation_id = invitation_keys.invitation_id
    left join order_keys on responses.order_ref = order_keys.order_ref
    left join case_keys on responses.case_ref = case_keys.case_id
)

select * from final
