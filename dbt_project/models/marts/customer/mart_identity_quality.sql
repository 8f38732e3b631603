-- How well records are stitched to customers, from the identity models and the facts themselves.
with

observed as (
    select * from {{ ref('int_identifiers_observed') }}
),

resolved as (
    select * from {{ ref('int_identifiers_resolved') }}
),

records_collected as (
    select * from {{ ref('int_identity_records_collected') }}
),

records_resolved as (
    select * from {{ ref('int_identity_records_resolved') }}
),

history as (
    select * from {{ ref('customer_id_history') }}
),

sessions as (
    select * from {{ ref('fct_sessions') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_counted
),

responses as (
    select * from {{ ref('fct_survey_responses') }}
),

-- a number or a browser alone tells that somebody was there, not who
customers as (
    select
        customer_id,
        count(*) as identifier_count,
        bool_or(identifier_type not in ('phone_hash', 'client_id')) as is_known
    from resolved
    group by customer_id
),

sized as (
    select
        customer_id,
        is_known,
        case
            when identifier_count <= 2 then cast(identifier_count as string)
            when identifier_count <= 5 then '3-5'
            when identifier_count <= 10 then '6-10'
            when identifier_count <= 20 then '11-20'
            else '21 or more'
        end as size_class
    from customers
),

listed as (
    {{ identifiers_listed('records_collected') }}
),

identifiers as (
    select
        observed.identifier_key,
        observed.identifier_type,
        observed.is_blocked,
        coalesce(resolved.is_shared, false) as is_shared
    from observed
    left join resolved on observed.identifier_key = resolved.identifier_key
),

identifiers_by_source as (
    select
        listed.source,
        listed.identifier_key
    from listed
    group by listed.source, listed.identifier_key
    union all
    select
        cast(null as string) as source,
        identifier_key
    from observed
),

customers_by_source as (
    select
        records_collected.source,
        records_resolved.customer_id
    from records_collected
    inner join records_resolved
        on records_collected.identity_record_key = records_resolved.identity_record_key
    group by records_collected.source, records_resolved.customer_id
    union all
    select
        cast(null as string) as source,
        customer_id
    from customers
),

-- shares of identifiers: what the safeguards kept from joining anybody
identifier_figures as (
    select
        'identifiers_blocked' as figure_id,
        identifiers_by_source.source,
        identifiers.identifier_type as category,
        count(*) as n,
        count(*) filter (where identifiers.is_blocked) as hit_count
    from identifiers_by_source
    inner join identifiers
        on identifiers_by_source.identifier_key = identifiers.identifier_key
    group by identifiers_by_source.source, identifiers.identifier_type
    union all
    select
        'identifiers_shared' as figure_id,
        identifiers_by_source.source,
        identifiers.identifier_type as category,
        count(*) as n,
        count(*) filter (where identifiers.is_shared) as hit_count
    from identifiers_by_source
    inner join identifiers
        on identifiers_by_source.identifier_key = identifiers.identifier_key
    group by identifiers_by_source.source, identifiers.identifier_type
),

customer_figures as (
    select
        'customers_known' as figure_id,
        customers_by_source.source,
        cast(null as string) as category,
        count(*) as n,
        count(*) filter (where sized.is_known) as hit_count
    from customers_by_source
    inner join sized on customers_by_source.customer_id = sized.customer_id
    group by customers_by_source.source
),

customer_total as (
    select count(*) as n
    from sized
),

size_figures as (
    select
        'component_size' as figure_id,
        cast(null as string) as source,
        sized.size_class as category,
        max(customer_total.n) as n,
        count(*) as hit_count
    from sized
    cross join customer_total
    group by sized.size_class
),

-- ids that were in use: how many of them a merge has ended, and how many a split brought back
history_figures as (
    select
        'ids_merged' as figure_id,
        cast(null as string) as source,
        cast(null as string) as category,
        count(*) as n,
        count(*) filter (where reason like 'merged%') as hit_count
    from history
    union all
    select
        'ids_split' as figure_id,
        cast(null as string) as source,
        cast(null as string) as category,
        count(*) as n,
        count(*) filter (where reason like '%split%') as hit_count
    from history
),

records as (
    select
        'sessions_known' as figure_id,
        source,
        customer_id,
        cast(1 as decimal(18, 2)) as weight
    from sessions
    union all
    select
        'orders_known' as figure_id,
        source,
        customer_id,
        cast(1 as decimal(18, 2)) as weight
    from orders
    union all
    select
        'revenue_known' as figure_id,
        source,
        customer_id,
        net_amount_eur as weight
    from orders
    where net_amount_eur > 0
    union all
    select
        'responses_known' as figure_id,
        source,
        customer_id,
        cast(1 as decimal(18, 2)) as weight
    from responses
),

record_sums as (
    select
        records.figure_id,
        records.source,
        count(*) as n,
        count(*) filter (where customers.is_known) as hit_count,
        sum(records.weight) as weight,
        sum(case when customers.is_known then records.weight else 0 end) as hit_weight,
        sum(records.weight * records.weight) as weight_squares
    from records
    left join customers on records.customer_id = customers.customer_id
    group by records.figure_id, records.source
),

record_figures as (
    select
        figure_id,
        source,
        n,
        hit_count,
        weight,
        hit_weight,
        weight_squares
    from record_sums
    union all
    select
        figure_id,
        cast(null as string) as source,
        sum(n) as n,
        sum(hit_count) as hit_count,
        sum(weight) as weight,
        sum(hit_weight) as hit_weight,
        sum(weight_squares) as weight_squares
    from record_sums
    group by figure_id
),

plain_figures as (
    select * from identifier_figures
    union all
    select * from customer_figures
    union all
    select * from size_figures
    union all
    select * from history_figures
),

-- money counts by its amount: as many equal orders as would bound the share as well
figures as (
    select
        figure_id,
        source,
        category,
        cast(n as bigint) as n,
        cast(hit_count as bigint) as hit_count,
        case when n > 0 then cast(hit_count as double) / cast(n as double) end as share,
        cast(n as double) as effective_n
    from plain_figures
    union all
    select
        figure_id,
        source,
        cast(null as string) as category,
        cast(n as bigint) as n,
        cast(hit_count as bigint) as hit_count,
        case when weight > 0 then cast(hit_weight as double) / cast(weight as double) end as share,
        case
            when weight_squares > 0
                then
                    cast(weight as double) * cast(weight as double)
                    / cast(weight_squares as double)
            else cast(0 as double)
        end as effective_n
    from record_figures
),

final as (
    select
        figure_id || '|' || coalesce(source, '') || '|' || coalesce(category, '')
            as identity_quality_key,
        figure_id,
        source,
        category,
        n,
        case when n >= {{ metric_setting('min_published_n') }} then hit_count end as hit_count,
        case when n >= {{ metric_setting('min_published_n') }} then share end as share,
        case
            when n >= {{ metric_setting('min_published_n') }}
                then {{ wilson_limit(
                    'share', 'effective_n', metric_setting('interval_z'), '-'
                ) }}
        end as ci_low,
        case
            when n >= {{ metric_setting('min_published_n') }}
                then {{ wilson_limit(
                    'share', 'effective_n', metric_setting('interval_z'), '+'
                ) }}
        end as ci_high,
        n < {{ metric_setting('min_published_n') }} as is_suppressed
    from figures
)

select * from final
