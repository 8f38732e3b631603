{#- Personal details are ephemeral: nothing but the vault may hold them, not even to be counted.
    Parameters and items are views that unfold web events, which are counted. -#}
{%- set left_out = [
    'personal_details', 'web_event_params', 'web_event_param_values', 'web_items',
    'web_user_properties',
] -%}
{%- set families = var('conformed').keys() | reject('in', left_out) | list -%}

{% for family in families -%}
select
    '{{ family }}' as family,
    source,
    count(*) as row_count
from {{ ref('int_' ~ family ~ ('_landed' if family == 'web_events' else '_unioned')) }}
group by source
{% if not loop.last %}
union all

{% endif %}
{%- endfor %}
{% for family, kinds in var('conformed_kinds').items() -%}
union all

select
    kind as family,
    source,
    count(*) as row_count
from {{ ref('int_' ~ family ~ '_unioned') }}
group by kind, source

{% endfor %}
