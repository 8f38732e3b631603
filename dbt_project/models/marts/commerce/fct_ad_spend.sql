with

spend as (
    select * from {{ ref('int_ad_spend_unioned') }}
),

rates as (
    select * from {{ ref('currency_rates') }}
),

final as (
    select
        spend.ad_spend_key,
        spend.source,
        spend.spend_date,
        spend.platform,
        spend.campaign_id,
        spend.campaign_name,
        spend.traffic_source,
        spend.traffic_medium,
        upper(spend.currency) as currency,
        spend.spend_amount,
        {{ amount_quotient('spend.spend_amount', 'rates.units_per_euro') }} as spend_amount_eur,
        spend.impressions,
        spend.clicks
    from spend
    left join rates
        on
            upper(spend.currency) = rates.currency
            and spend.spend_date between rates.valid_from and rates.valid_to
)

select * from final
