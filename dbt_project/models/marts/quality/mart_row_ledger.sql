with

manifest as (

    select * from {{ source('landing', 'manifest') }}
    where status = 'loaded'

),

quarantine as (

    select * from {{ source('landing', 'quarantine') }}

),

raw_rows as (

    select
        vendor,
        table_name,
        source,
        batch_id,
        sum(row_count) as row_count
    from {{ ref('int_raw_rows_counted') }}
    group by vendor, table_name, source, batch_id

),

staged_rows as (

    select
        vendor,
        table_name,
        source,
        batch_id,
        fate,
        sum(row_count) as row_count
    from {{ ref('int_staged_rows_counted') }}
    group by vendor, table_name, source, batch_id, fate

),

event_rows as (

    select * from {{ ref('int_web_event_rows_counted') }}

),

conformed_rows as (

    select * from {{ ref('int_conformed_rows_counted') }}
    where family in (select facts.family from {{ ref('int_fact_rows_counted') }} as facts)

),

fact_rows as (

    select * from {{ ref('int_fact_rows_counted') }}

),

repeated_contacts as (

    select
        landed.source,
        count(*) as row_count
    from {{ ref('int_service_contacts_unioned') }} as landed
    left join {{ ref('int_service_contacts_identified') }} as kept
        on landed.service_contact_key = kept.service_contact_key
    where kept.service_contact_key is null
    group by landed.source

),

-- landing: what was read of a file either lies in the raw zone or in quarantine, unless somebody
-- has deleted it from the raw zone since or it was of a person who was erased; what is left of an
-- erased person's records lies there without a name
landing as (

    select
        'landing' as layer,
        vendor,
        table_name,
        source,
        batch_id,
        'in' as fate,
        'read' as reason,
        rows_read as row_count
    from manifest
    union all
    select
        'landing' as layer,
        manifest.vendor,
        manifest.table_name,
        manifest.source,
        manifest.batch_id,
        'out' as fate,
        'landed' as reason,
        greatest(raw_rows.row_count - coalesce(manifest.rows_anonymised, 0), 0) as row_count
    from manifest
    inner join raw_rows
        on
            manifest.batch_id = raw_rows.batch_id
            and manifest.vendor = raw_rows.vendor
            and manifest.table_name = raw_rows.table_name
    union all
    select
        'landing' as layer,
        manifest.vendor,
        manifest.table_name,
        manifest.source,
        manifest.batch_id,
        'removed' as fate,
        'deleted_from_raw' as reason,
        manifest.rows_landed - coalesce(raw_rows.row_count, 0) as row_count
    from manifest
    left join raw_rows
        on
            manifest.batch_id = raw_rows.batch_id
            and manifest.vendor = raw_rows.vendor
            and manifest.table_name = raw_rows.table_name
    where manifest.rows_landed > coalesce(raw_rows.row_count, 0)
    union all
    select
        'landing' as layer,
        manifest.vendor,
        manifest.table_name,
        manifest.source,
        manifest.batch_id,
        'out' as fate,
        'anonymised' as reason,
        least(manifest.rows_anonymised, raw_rows.row_count) as row_count
    from manifest
    inner join raw_rows
        on
            manifest.batch_id = raw_rows.batch_id
            and manifest.vendor = raw_rows.vendor
            and manifest.table_name = raw_rows.table_name
    where manifest.rows_anonymised > 0
    union all
    select
        'landing' as layer,
        vendor,
        table_name,
        source,
        batch_id,
        'erased' as fate,
        'person_erased' as reason,
        rows_erased as row_count
    from manifest
    where rows_erased > 0
    union all
    select
        'landing' as layer,
        vendor,
        table_name,
        source,
        batch_id,
        'quarantined' as fate,
        reason_code as reason,
        count(*) as row_count
    from quarantine
    where batch_id in (select batch_id from manifest)
    group by vendor, table_name, source, batch_id, reason_code

),

-- staging: of the rows of a raw table, one per natural key is current
staging as (

    select
        'staging' as layer,
        raw_rows.vendor,
        raw_rows.table_name,
        raw_rows.source,
        raw_rows.batch_id,
        'in' as fate,
        'landed' as reason,
        raw_rows.row_count
    from raw_rows
    inner join (
        select distinct
            vendor,
            table_name
        from staged_rows
    ) as staged_tables
        on
            raw_rows.vendor = staged_tables.vendor
            and raw_rows.table_name = staged_tables.table_name
    union all
    select
        'staging' as layer,
        vendor,
        table_name,
        source,
        batch_id,
        fate,
        case fate
            when 'out' then 'current'
            when 'deduplicated' then 'delivered_before'
            else 'newer_version'
        end as reason,
        row_count
    from staged_rows

),

-- staging of events: duplicates and replaced days are flagged, not dropped, so that the audit sees
-- them. A vendor that keeps events inside sessions has them counted as they are unfolded.
event_tables as (

    select distinct
        raw_rows.vendor,
        raw_rows.table_name,
        raw_rows.table_name like '%events' as is_row_an_event
    from raw_rows
    inner join event_rows on raw_rows.batch_id = event_rows.batch_id

),

event_batches as (

    select
        raw_rows.vendor,
        raw_rows.table_name,
        raw_rows.source,
        raw_rows.batch_id,
        raw_rows.row_count,
        event_tables.is_row_an_event
    from raw_rows
    inner join event_tables
        on
            raw_rows.vendor = event_tables.vendor
            and raw_rows.table_name = event_tables.table_name

),

event_staging as (

    select
        'staging' as layer,
        vendor,
        table_name,
        source,
        batch_id,
        'in' as fate,
        'landed' as reason,
        row_count
    from event_batches
    where is_row_an_event
    union all
    select
        'staging' as layer,
        event_batches.vendor,
        event_batches.table_name,
        event_batches.source,
        event_batches.batch_id,
        'in' as fate,
        'unfolded' as reason,
        sum(event_rows.row_count) as row_count
    from event_batches
    inner join event_rows on event_batches.batch_id = event_rows.batch_id
    where not event_batches.is_row_an_event
    group by
        event_batches.vendor, event_batches.table_name, event_batches.source,
        event_batches.batch_id
    union all
    select
        'staging' as layer,
        event_batches.vendor,
        event_batches.table_name,
        event_batches.source,
        event_batches.batch_id,
        event_rows.fate,
        case event_rows.fate
            when 'out' then 'kept'
            when 'deduplicated' then 'sent_twice'
            else 'newer_delivery'
        end as reason,
        event_rows.row_count
    from event_batches
    inner join event_rows on event_batches.batch_id = event_rows.batch_id

),

-- conforming: every record of a family is a row of its fact
conforming as (

    select
        'conforming' as layer,
        '' as vendor,
        family as table_name,
        source,
        '' as batch_id,
        'in' as fate,
        'staged' as reason,
        row_count
    from conformed_rows
    union all
    select
        'conforming' as layer,
        '' as vendor,
        family as table_name,
        source,
        '' as batch_id,
        'out' as fate,
        'published' as reason,
        row_count
    from fact_rows
    union all
    select
        'conforming' as layer,
        '' as vendor,
        'service_contacts' as table_name,
        source,
        '' as batch_id,
        'deduplicated' as fate,
        'logged_elsewhere' as reason,
        row_count
    from repeated_contacts

),

final as (

    {% for relation in ['landing', 'staging', 'event_staging', 'conforming'] -%}
    select
        layer,
        vendor,
        table_name,
        source,
        batch_id,
        fate,
        reason,
        cast(row_count as bigint) as row_count
    from {{ relation }}
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}

)

select * from final
