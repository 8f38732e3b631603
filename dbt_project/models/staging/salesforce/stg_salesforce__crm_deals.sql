-- a loader in history mode delivers every version and says which is active: that one wins,
-- because versions may share their time of change
with opportunities as (
    {{ current_rows(
        source('salesforce', 'opportunities'),
        ['id'],
        'case
            when try_cast(_fivetran_active as boolean)
                then cast(make_date(9999, 12, 31) as string)
            else coalesce(system_modstamp, last_modified_date, _fivetran_synced)
        end'
    ) }}
),

renamed as (
    select
        _source as source,
        id as deal_id,
        {{ blank_to_null('contact_id') }} as contact_id,
        {{ blank_to_null('account_id') }} as company_id,
        {{ blank_to_null('record_type_id') }} as pipeline,
        {{ blank_to_null('stage_name') }} as stage,
        {{ text_to_number('amount') }} as amount,
        upper({{ blank_to_null('currency_iso_code') }}) as currency,
        {{ text_to_timestamp('created_date') }} as created_at,
        -- a close date is a day of the business, not of UTC
        {{ text_to_timestamp('close_date', zone="'" ~ var('business_timezone') ~ "'") }}
            as close_at,
        coalesce({{ text_to_boolean('is_won') }}, false) as is_won,
        coalesce({{ text_to_boolean('is_closed') }}, false) as is_closed,
        {{ is_deleted_or_gone() }} as is_deleted
    from opportunities
),

final as (
    select
        {{ surrogate_key(["source", "'crm_deal'", "deal_id"]) }} as crm_deal_key,
        source,
        deal_id,
        contact_id,
        company_id,
        pipeline,
        stage,
        amount,
        currency,
        created_at,
        -- the date of an open opportunity is a forecast
        case when is_closed then close_at end as closed_at,
        is_won,
        is_closed,
        is_deleted
    from renamed
)

select
    crm_deal_key,
    source,
    deal_id,
    contact_id,
    company_id,
    pipeline,
    stage,
    amount,
    currency,
    created_at,
    closed_at,
    is_won,
    is_closed,
    is_deleted
from final
