with

records as (
    select * from {{ ref('int_identity_records_collected') }}
),

rules as (
    select * from {{ ref('identity_rules') }}
),

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

listed as (
    {{ identifiers_listed('records') }}
),

-- Blocked values are in no customer and fall out here. A shared thing names nobody while a certain
-- identifier stands beside it, whatever the priorities say.
candidates as (
    select
        listed.identity_record_key,
        listed.identifier_key,
        listed.identifier_type,
        resolved.customer_id,
        {{ sort_key([
            'case when resolved.is_shared then 1 else 0 end', 'rules.priority'
        ]) }} as preference
    from listed
    inner join resolved on listed.identifier_key = resolved.identifier_key
    inner join rules on listed.identifier_type = rules.identifier_type
),

final as (
    select
        identity_record_key,
        min_by(identifier_key, preference) as identifier_key,
        min_by(identifier_type, preference) as identifier_type,
        min_by(customer_id, preference) as customer_id
    from candidates
    group by identity_record_key
)

select * from final
