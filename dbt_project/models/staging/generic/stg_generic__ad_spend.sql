with mapped as (
    {{ current_rows(source('generic', 'ad_spend'), ['spend_date', 'platform', 'campaign_id']) }}
),

final as (
    select
        {{ surrogate_key(["_source", "'ad_spend'", "spend_date", "platform", "campaign_id"]) }}
            as ad_spend_key,
        _source as source,
        cast({{ mapped_timestamp('spend_date') }} as date) as spend_date,
        lower({{ blank_to_null('platform') }}) as platform,
        {{ blank_to_null('campaign_id') }} as campaign_id,
        {{ blank_to_null('campaign_name') }} as campaign_name,
        {{ blank_to_null('traffic_source') }} as traffic_source,
        {{ blank_to_null('traffic_medium') }} as traffic_medium,
        upper({{ blank_to_null('currency') }}) as currency,
        {{ text_to_number('spend_amount') }} as spend_amount,
        {{ text_to_number('impressions', 'bigint') }} as impressions,
        {{ text_to_number('clicks', 'bigint') }} as clicks
    from mapped
)

select
    ad_spend_key,
    source,
    spend_date,
    platform,
    campaign_id,
    campaign_name,
    traffic_source,
    traffic_medium,
    currency,
    spend_amount,
    impressions,
    clicks
from final
