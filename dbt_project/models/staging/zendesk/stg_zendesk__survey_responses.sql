-- a rating that was offered and not given is no response
with ratings as (
    select
        source,
        rating_id,
        case_id,
        requester_id,
        offered_at,
        rated_at
    from {{ ref('stg_zendesk__satisfaction_ratings') }}
    where score in ('good', 'bad')
),

users as (
    select
        source,
        user_id,
        contact_id,
        email_hash,
        phone_hash,
        locale
    from {{ ref('stg_zendesk__users') }}
),

cases as (
    select
        source,
        case_id,
        channel,
        order_ref
    from {{ ref('stg_zendesk__service_cases') }}
),

joined as (
    select
        ratings.source,
        'satisfaction' as survey_id,
        ratings.rating_id as response_id,
        users.email_hash,
        users.phone_hash,
        users.contact_id,
        cases.order_ref,
        ratings.case_id as case_ref,
        cases.channel,
        -- fi, en-US, … → the language alone, as surveys name it
        lower(split_part(users.locale, '-', 1)) as language,
        ratings.offered_at as invited_at,
        coalesce(ratings.rated_at, ratings.offered_at) as submitted_at
    from ratings
    left join users on ratings.source = users.source and ratings.requester_id = users.user_id
    left join cases on ratings.source = cases.source and ratings.case_id = cases.case_id
),

final as (
    select
        {{ survey_response_key('joined') }} as survey_response_key,
        source,
        survey_id,
        response_id,
        cast(null as string) as invitation_id,
        email_hash,
        phone_hash,
        contact_id,
        cast(null as string) as user_id,
        cast(null as string) as client_id,
        cast(null as string) as loyalty_id,
        order_ref,
        case_ref,
        channel,
        'support_ticket' as touchpoint_id,
        language,
        invited_at,
        cast(null as timestamp) as started_at,
        submitted_at,
        {{ local_date('submitted_at') }} as submitted_date,
        true as is_complete
    from joined
)

select
    survey_response_key,
    source,
    survey_id,
    response_id,
    invitation_id,
    email_hash,
    phone_hash,
    contact_id,
    user_id,
    client_id,
    loyalty_id,
    order_ref,
    case_ref,
    channel,
    touchpoint_id,
    language,
    invited_at,
    started_at,
    submitted_at,
    submitted_date,
    is_complete
from final
