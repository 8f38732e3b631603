with spend as (
    {{ current_rows(
        source('ad_spend', 'spend'),
        ['date', 'platform', 'campaign_id', 'utm_source', 'utm_medium', 'currency']
    ) }}
),

final as (
    select
        {{ surrogate_key(
            ["_source", "'ad_spend'", "date", "platform", "campaign_id", "utm_source",
             "utm_medium", "currency"]
        ) }} as ad_spend_key,
        _source as source,
        try_cast(date as date) as spend_date,
        lower(trim(platform)) as platform,
        campaign_id,
        {{ blank_to_null('campaign_name') }} as campaign_name,
        {{ blank_to_null('lower(utm_source)') }} as traffic_source,
        {{ blank_to_null('lower(utm_medium)') }} as traffic_medium,
        upper({{ blank_to_null('currency') }}) as currency,
        {{ text_to_number('cost') }} as spend_amount,
        {{ text_to_number('impressions', type='bigint') }} as impressions,
        {{ text_to_number('clicks', type='bigint') }} as clicks
    from spend
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
