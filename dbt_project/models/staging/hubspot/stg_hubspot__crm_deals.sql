with deals as (
    {{ current_rows(
        source('hubspot', 'deals'),
        ['id'],
        'coalesce(hs_lastmodifieddate, updatedAt, _fivetran_synced)'
    ) }}
),

-- a deal may have several contacts and companies; the lowest id is the oldest record
loader_contacts as (
    select
        _source,
        deal_id,
        min_by(contact_id, try_cast(contact_id as bigint)) as contact_id
    from {{ source('hubspot', 'deal_contacts') }}
    group by _source, deal_id
),

loader_companies as (
    select
        _source,
        deal_id,
        min_by(company_id, try_cast(company_id as bigint)) as company_id
    from {{ source('hubspot', 'deal_companies') }}
    group by _source, deal_id
),

joined as (
    select
        deals._source as source,
        deals.id as deal_id,
        coalesce(
            {{ json_text('deals.associations', '$.contacts.results[0].id') }},
            loader_contacts.contact_id
        ) as contact_id,
        coalesce(
            {{ json_text('deals.associations', '$.companies.results[0].id') }},
            loader_companies.company_id
        ) as company_id,
        {{ blank_to_null('deals.pipeline') }} as pipeline,
        {{ blank_to_null('deals.dealstage') }} as stage,
        {{ text_to_number('deals.amount') }} as amount,
        upper({{ blank_to_null('deals.deal_currency_code') }}) as currency,
        coalesce(
            {{ text_to_timestamp('deals.createdate') }}, {{ text_to_timestamp('deals.createdAt') }}
        ) as created_at,
        {{ text_to_timestamp('deals.closedate') }} as close_at,
        coalesce(
            {{ text_to_boolean('deals.hs_is_closed_won') }},
            lower(deals.dealstage) = 'closedwon',
            false
        ) as is_won,
        coalesce(
            {{ text_to_boolean('deals.hs_is_closed') }},
            lower(deals.dealstage) in ('closedwon', 'closedlost'),
            false
        ) as is_closed,
        coalesce({{ text_to_boolean('deals.archived') }}, false) as is_deleted
    from deals
    left join loader_contacts
        on deals._source = loader_contacts._source and deals.id = loader_contacts.deal_id
    left join loader_companies
        on deals._source = loader_companies._source and deals.id = loader_companies.deal_id
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
        -- the date of an open deal is a forecast
        case when is_closed or is_won then close_at end as closed_at,
        is_won,
        is_closed or is_won as is_closed,
        is_deleted
    from joined
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
