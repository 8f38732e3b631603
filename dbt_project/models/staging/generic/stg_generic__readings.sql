with mapped as (
    {{ current_rows(
        source('generic', 'readings'),
        ['kind', 'subject', 'measured_at', 'reading_id', 'user_id', 'client_id']
    ) }}
),

final as (
    select
        {{ surrogate_key([
            "_source", "'reading'", "kind", "subject", "measured_at", "reading_id",
            "user_id", "client_id",
        ]) }} as reading_key,
        _source as source,
        lower(trim(kind)) as kind,
        {{ mapped_timestamp('measured_at') }} as measured_at,
        trim(subject) as subject,
        lower({{ blank_to_null('channel') }}) as channel,
        {{ blank_to_null('touchpoint_id') }} as touchpoint_id,
        {{ text_to_number('reading_value', 'double') }} as reading_value,
        {{ text_to_number('duration_seconds', 'double') }} as duration_seconds,
        {{ text_to_boolean('is_successful') }} as is_successful,
        {{ mapped_timestamp('valid_until') }} as valid_until,
        {{ blank_to_null('user_id') }} as user_id,
        {{ blank_to_null('client_id') }} as client_id,
        {{ blank_to_null('loyalty_id') }} as loyalty_id
    from mapped
)

select
    reading_key,
    source,
    kind,
    measured_at,
    subject,
    channel,
    touchpoint_id,
    reading_value,
    duration_seconds,
    is_successful,
    valid_until,
    user_id,
    client_id,
    loyalty_id
from final
