{{ rebuilt_by(
    'identity_record_key',
    'int_touched_identifiers',
    touched_key=key_text('identifier_key'),
    columns=['identifier_key'],
) }}
-- depends_on: {{ ref('int_touched_identity_inputs') }}
-- depends_on: {{ ref('int_touched_identifiers') }}
-- depends_on: {{ ref('int_touched_customer_identifiers') }}

{% set types = identifier_types() %}

with

{% if is_incremental() -%}
-- Records that carry what the batch touched were read for it. Any other still has the identifiers
-- that it had, and goes by the same one: only that one's customer may be another, unless an
-- identifier began or ceased to be shared.
others as materialized (
    select
        resolved.identifier_key,
        resolved.identifier_type,
        resolved.identifier_value,
        resolved.customer_id,
        resolved.is_shared <> touched.was_shared as has_flipped
    from {{ ref('int_touched_customer_identifiers') }} as touched
    inner join {{ ref('int_identifiers_resolved') }} as resolved
        on touched.identifier_key = resolved.identifier_key
    where
        touched.identifier_key not in (
            select identifier_key from {{ ref('int_touched_identifiers') }}
        )
),

records as materialized (
    select
        collected_record_key as identity_record_key,
        {{ types | join(', ') }}
    from {{ ref('int_touched_identity_inputs') }}
    where is_record and is_present
    {%- for type in types %}
    union
    select
        identity_record_key,
        {{ types | join(', ') }}
    from {{ ref('int_identity_records_tenured') }}
    where {{ carries_touched_identifier('(select * from others where has_flipped)', [type]) }}
    {%- endfor %}
),
{%- else -%}
records as (
    select * from {{ ref('int_identity_records_tenured') }}
),
{%- endif %}

rules as (
    select * from {{ ref('identity_rules') }}
),

{% if is_incremental() -%}
{%- set all_resolved = 'resolved_of_records' -%}
resolved_of_records as materialized (
    select
        identifier_key,
        identifier_type,
        identifier_value,
        customer_id,
        is_shared
    from {{ ref('int_identifiers_resolved') }}
    where
        identifier_key in (
            select {{ identifier_key('identifier_type', 'identifier_value') }}
            from (
                {{ identifiers_of('records') }}
            ) as carried
        )
),

{% else -%}
{%- set all_resolved = ref('int_identifiers_resolved') -%}
{% endif -%}
-- A shared thing names nobody while a certain identifier stands beside it, whatever the priorities
-- say. Each type reads the table for itself: a CTE that several read would be kept whole in memory.
{% for type in types -%}
{{ type }}s as (
    select
        resolved.identifier_key,
        resolved.identifier_value,
        resolved.customer_id,
        rules.priority + case when resolved.is_shared then 1000 else 0 end as preference
    from {{ all_resolved }} as resolved
    inner join rules on resolved.identifier_type = rules.identifier_type
    where resolved.identifier_type = '{{ type }}'
),

{% endfor -%}
-- Type by type and by value: no record is joined with itself, and no key is made. Blocked values
-- are in no customer and are not found.
found as (
    select
        records.identity_record_key,
        {%- for type in types %}
        {{ type }}s.identifier_key as {{ type }}_key,
        {{ type }}s.customer_id as {{ type }}_customer_id,
        {{ type }}s.preference as {{ type }}_preference,
        {%- endfor %}
        least(
            {%- for type in types %}
            coalesce({{ type }}s.preference, 9999){{ ',' if not loop.last }}
            {%- endfor %}
        ) as best_preference
    from records
    left join {{ types[0] }}s on records.{{ types[0] }} = {{ types[0] }}s.identifier_value
    {%- for type in types[1:] %}
    left join {{ type }}s on records.{{ type }} = {{ type }}s.identifier_value
    {%- endfor %}
),

preferred as (
    select
        identity_record_key,
        case best_preference
            {%- for type in types %}
            when {{ type }}_preference then {{ type }}_key
            {%- endfor %}
        end as identifier_key,
        case best_preference
            {%- for type in types %}
            when {{ type }}_preference then '{{ type }}'
            {%- endfor %}
        end as identifier_type,
        case best_preference
            {%- for type in types %}
            when {{ type }}_preference then {{ type }}_customer_id
            {%- endfor %}
        end as customer_id
    from found
    where best_preference < 9999
),

-- records and marts name an identifier by the text of its key
final as (
    select
        identity_record_key,
        {{ key_text('identifier_key') }} as identifier_key,
        identifier_type,
        customer_id
    from preferred
    {%- if is_incremental() %}
    union all
    select
        named.identity_record_key,
        named.identifier_key,
        named.identifier_type,
        others.customer_id
    from {{ this }} as named
    inner join others on named.identifier_key = {{ key_text('others.identifier_key') }}
    where
        named.customer_id <> others.customer_id
        and named.identity_record_key not in (select identity_record_key from records)
    {%- endif %}
)

select * from final
