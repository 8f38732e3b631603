{#- The facts that hold each record of a conformed family once. -#}
{%- set facts = {
    'orders': 'fct_orders',
    'order_lines': 'fct_order_lines',
    'refunds': 'fct_refunds',
    'carts': 'fct_carts',
    'contracts': 'fct_contracts',
    'ad_spend': 'fct_ad_spend',
    'messages': 'fct_messages',
    'service_cases': 'fct_service_cases',
    'service_contacts': 'fct_service_contacts',
    'survey_responses': 'fct_survey_responses',
    'survey_answers': 'fct_survey_answers',
    'feedback': 'fct_feedback',
    'readings': 'fct_readings',
    'page_interactions': 'fct_page_interactions',
} -%}

{% for family, fact in facts.items() -%}
select
    '{{ family }}' as family,
    source,
    count(*) as row_count
from {{ ref(fact) }}
group by source
{% if not loop.last %}
union all

{% endif %}
{%- endfor %}
