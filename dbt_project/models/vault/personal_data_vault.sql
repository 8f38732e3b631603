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
    left join resolved as by_phone
        on
            by_phone.identifier_type = 'phone_hash'
            and details.phone_hash = by_phone.identifier_value
            and not by_phone.is_shared
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
