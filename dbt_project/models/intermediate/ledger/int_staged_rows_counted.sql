{#- The raw tables come from the staging models themselves: see the macro. Nothing is known of them
    while dbt parses, hence the first, empty member. -#}
with

classified as (

    select
        cast(null as string) as vendor,
        cast(null as string) as table_name,
        cast(null as string) as source,
        cast(null as string) as batch_id,
        cast(null as string) as fate,
        cast(null as date) as partition_date,
        cast(null as timestamp) as first_loaded_at
    where false

    {% for staged in staged_tables() -%}
    {%- set delivered = source(staged.vendor, staged.table) -%}
    union all

    select
        '{{ staged.vendor }}' as vendor,
        '{{ staged.table }}' as table_name,
        _source as source,
        _batch_id as batch_id,
        case
            when current_rank = 1 then 'out'
            when delivery > 1 then 'deduplicated'
            else 'superseded'
        end as fate,
        case when current_rank = 1 then dt end as partition_date,
        case when current_rank = 1 then record_loaded_at end as first_loaded_at
    from (
        {{ delivered_once(delivered, staged.key, [
            '_source',
            '_batch_id',
            'dt',
            'first_loaded_at as record_loaded_at',
            '1 as delivery',
            '1 as current_rank',
        ]) }}
        select
            _source,
            _batch_id,
            dt,
            min(_loaded_at) over (partition by _source, {{ staged.key | join(', ') }})
                as record_loaded_at,
            row_number() over (
                partition by _source, _row_id order by _loaded_at, _batch_id, _row
            ) as delivery,
            {{ current_rank(staged.key, staged.updated_at) }} as current_rank
        from ({{ with_first_delivery(delivered, staged.key) }}) as delivered
    ) as ranked
    {% endfor %}

),

final as (

    select
        vendor,
        table_name,
        source,
        batch_id,
        fate,
        partition_date,
        first_loaded_at,
        count(*) as row_count
    from (select {{ in_few_tasks() }} * from classified) as classified
    group by vendor, table_name, source, batch_id, fate, partition_date, first_loaded_at

)

select * from final
