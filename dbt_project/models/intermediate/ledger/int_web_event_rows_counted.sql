with

events as (

    select * from {{ ref('int_web_events_landed') }}

),

final as (

    select
        source,
        batch_id,
        -- a row that is both was replaced first: its twin went with it
        case
            when is_superseded then 'superseded'
            when is_duplicate then 'deduplicated'
            else 'out'
        end as fate,
        count(*) as row_count
    from events
    group by source, batch_id, fate

)

select * from final
