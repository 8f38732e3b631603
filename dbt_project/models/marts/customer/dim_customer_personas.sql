{%- set attributes = [
    'order_count', 'units_per_order', 'average_order_eur', 'discounted_order_share',
    'store_order_share', 'app_order_share', 'refunded_order_share', 'session_count',
    'app_session_share',
] -%}
with

customers as (
    select distinct customer_id from {{ ref('int_identifiers_resolved') }}
),

contacts as (
    select * from {{ ref('int_crm_contacts_unioned') }}
),

contact_identifiers as (
    select * from {{ ref('int_identifiers_resolved') }}
    where identifier_type = 'contact_id'
),

rules as (
    select * from {{ ref('persona_rules') }}
),

rule_sizes as (
    select
        rule_id,
        persona_id,
        min(priority) as priority,
        count(*) as condition_count
    from rules
    group by rule_id, persona_id
),

orders as (
    select
        customer_id,
        cast(count(*) as double) as order_count,
        avg(cast(unit_count as double)) as units_per_order,
        cast(sum(net_amount_eur) as double) / count(net_amount_eur) as average_order_eur,
        avg(case when discount_amount > 0 then 1.0e0 else 0.0e0 end) as discounted_order_share,
        avg(case when channel = 'store' then 1.0e0 else 0.0e0 end) as store_order_share,
        avg(case when channel = 'app' then 1.0e0 else 0.0e0 end) as app_order_share,
        avg(case when has_refund then 1.0e0 else 0.0e0 end) as refunded_order_share
    from {{ ref('fct_orders') }}
    where is_counted and customer_id is not null
    group by customer_id
),

visits as (
    select
        customer_id,
        cast(count(*) as double) as session_count,
        avg(case when platform = 'app' then 1.0e0 else 0.0e0 end) as app_session_share
    from {{ ref('fct_sessions') }}
    where customer_id is not null
    group by customer_id
),

-- the newest living contact that names a persona which a rule knows
crm as (
    select
        contact_identifiers.customer_id,
        max_by(
            lower(contacts.persona_id),
            {{ sort_key([
                'not coalesce(contacts.is_deleted, false)', 'contacts.updated_at',
                'contacts.contact_id',
            ]) }}
        ) as crm_persona
    from contacts
    inner join contact_identifiers
        on trim(contacts.contact_id) = contact_identifiers.identifier_value
    inner join rules
        on
            rules.attribute = 'crm_persona'
            and lower(contacts.persona_id) = lower(rules.equals_text)
    group by contact_identifiers.customer_id
),

described as (
    select
        customers.customer_id,
        crm.crm_persona,
        {{ attributes | join(',\n        ') }}
    from customers
    left join crm on customers.customer_id = crm.customer_id
    left join orders on customers.customer_id = orders.customer_id
    left join visits on customers.customer_id = visits.customer_id
    -- nobody of whom there is nothing to tell meets a rule
    where
        crm.crm_persona is not null
        or coalesce(orders.order_count, visits.session_count) is not null
),

looked_at as (
    select
        described.customer_id,
        rules.rule_id,
        rules.equals_text,
        rules.from_value,
        rules.to_value,
        case when rules.attribute = 'crm_persona' then described.crm_persona end as text_value,
        case rules.attribute
            {%- for attribute in attributes %}
            when '{{ attribute }}' then described.{{ attribute }}
            {%- endfor %}
        end as number_value
    from described
    cross join rules
),

rules_met as (
    select
        customer_id,
        rule_id,
        count(*) as met_count
    from looked_at
    where
        text_value = lower(equals_text)
        or (
            equals_text is null
            and number_value >= coalesce(from_value, number_value)
            and number_value <= coalesce(to_value, number_value)
        )
    group by customer_id, rule_id
),

personas_had as (
    select
        rules_met.customer_id,
        rule_sizes.persona_id,
        min_by(
            {{ record({'rule_id': 'rule_sizes.rule_id', 'priority': 'rule_sizes.priority'}) }},
            {{ sort_key(['rule_sizes.priority', 'rule_sizes.rule_id']) }}
        ) as surest
    from rules_met
    inner join rule_sizes on rules_met.rule_id = rule_sizes.rule_id
    where rules_met.met_count = rule_sizes.condition_count
    group by rules_met.customer_id, rule_sizes.persona_id
),

ranked as (
    select
        customer_id,
        persona_id,
        surest.rule_id as rule_id,
        row_number() over (
            partition by customer_id order by surest.priority, surest.rule_id
        ) = 1 as is_primary
    from personas_had
),

final as (
    select
        customer_id,
        persona_id,
        is_primary,
        rule_id
    from ranked
    union all
    select
        customers.customer_id,
        'unknown' as persona_id,
        true as is_primary,
        cast(null as integer) as rule_id
    from customers
    left join ranked on customers.customer_id = ranked.customer_id and ranked.is_primary
    where ranked.customer_id is null
)

select * from final
