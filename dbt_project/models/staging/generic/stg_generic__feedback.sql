with mapped as (
    {{ current_rows(source('generic', 'feedback'), ['kind', 'feedback_id']) }}
),

final as (
    select
        {{ surrogate_key(["_source", "'feedback'", "kind", "feedback_id"]) }} as feedback_key,
        _source as source,
        lower(trim(kind)) as kind,
        feedback_id,
        {{ mapped_timestamp('given_at') }} as given_at,
        lower({{ blank_to_null('channel') }}) as channel,
        {{ blank_to_null('touchpoint_id') }} as touchpoint_id,
        {{ blank_to_null('place') }} as place,
        {{ blank_to_null('product_id') }} as product_id,
        {{ text_to_number('rating', 'double') }} as rating,
        {{ text_to_number('scale_min', 'double') }} as scale_min,
        {{ text_to_number('scale_max', 'double') }} as scale_max,
        {{ blank_to_null('theme') }} as theme,
        {{ masked_text(blank_to_null('feedback_text')) }} as feedback_text,
        lower({{ blank_to_null('language') }}) as language,
        {{ blank_to_null('contact_id') }} as contact_id,
        {{ blank_to_null('user_id') }} as user_id,
        {{ blank_to_null('loyalty_id') }} as loyalty_id,
        email__hash as email_hash
    from mapped
)

select
    feedback_key,
    source,
    kind,
    feedback_id,
    given_at,
    channel,
    touchpoint_id,
    place,
    product_id,
    rating,
    scale_min,
    scale_max,
    theme,
    feedback_text,
    language,
    contact_id,
    user_id,
    loyalty_id,
    email_hash
from final
