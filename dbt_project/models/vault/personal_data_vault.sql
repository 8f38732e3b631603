with

details as (
    {{ conformed_union('personal_details', {
        'source': 'string',
        'entity': 'string',
        'record_id': 'string',
        'email_hash': 'string',
        'phone_hash': 'string',
        'email': 'string',
        'phone': 'string',
        'first_name': 'string',
        'last_name': 'string',
        'street': 'string',
        'postal_code': 'string',
        'city': 'string',
        'country': 'string',
        'updated_at': 'timestamp',
    }) }}
),

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

-- whose a number was when it was written down is not known of one that changed hands
resolved_phones as (
    select * from resolved
    where
        identifier_type = 'phone_hash'
        and not is_shared
        and identifier_key not in (
            select identifier_key from {{ ref('int_identifier_tenures') }}
        )
),

identified as (
    select
        details.source,
        details.entity,
        details.record_id,
        coalesce(by_email.customer_id, by_phone.customer_id) as customer_id,
        details.email_hash,
        details.phone_hash,
        details.email,
        details.phone,
        details.first_name,
        details.last_name,
        details.street,
        details.postal_code,
        details.city,
        details.country,
        details.updated_at
    from details
    left join resolved as by_email
        on
            by_email.identifier_type = 'email_hash'
            and details.email_hash = by_email.identifier_value
    left join resolved_phones as by_phone on details.phone_hash = by_phone.identifier_value
),

final as (
    select
        {{ surrogate_key(['source', "'personal_details'", 'entity', 'record_id']) }}
            as personal_details_key,
        source,
        entity,
        record_id,
        customer_id,
        email_hash,
        phone_hash,
        email,
        phone,
        first_name,
        last_name,
        street,
        postal_code,
        city,
        country,
        updated_at
    from identified
)

select * from final
