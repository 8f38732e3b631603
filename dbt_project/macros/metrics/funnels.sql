{# Columns of one relation, for select lists, joins and groups. #}
{% macro prefixed(columns, relation) -%}
    {%- for column in columns -%}
        {{ relation }}.{{ column }}{{ ", " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# Whether so many entered a funnel that its counts may be shown: only a whole period may be too
   small, because small segments stand together. #}
{% macro is_entry_shown() -%}
    through_sized.entered_count >= settings.min_published_n
{%- endmacro %}

{# Whether so many reached a step, which is not the last, that the share who went on may be shown. #}
{% macro is_step_shown() -%}
    (not through_sized.is_last_step and through_sized.n >= settings.min_published_n)
{%- endmacro %}

{# How large a share of the records of a cell each item of the cell has, with its interval (Wilson) that
   is clustered by customer. `items` has one row per cell, item and customer, `bases` one per cell and
   customer, both with the number of records `n`; an item's records are some of its cell's. Most
   customers have one record in a cell and need no clustering: `single_items` may give their number
   per cell and item instead, and `items` only the others; so may `single_bases`, per cell. #}
{% macro clustered_shares(
    items, bases, cell, item, customer="customer_id", single_items=none, single_bases=none
) -%}
    select
        {{ cell | join(', ') }},
        {{ item | join(', ') }},
        cast(n as bigint) as n,
        cast(base_n as bigint) as base_n,
        round(share, 9) as share,
        {%- for limit, sign in [('low', '-'), ('high', '+')] %}
        round({{ wilson_limit(
            'share', 'effective_n', metric_setting('interval_z'), sign
        ) }}, 9) as share_ci_{{ limit }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from (
        select
            *,
            base_n / {{ design_effect('share') }} as effective_n
        from (
            select
                {{ prefixed(cell, 'counted') }},
                {{ prefixed(item, 'counted') }},
                counted.n,
                totals.base_n,
                counted.n / totals.base_n as share,
                counted.cxx,
                counted.cxb,
                totals.cbb,
                counted.n as wwxx,
                counted.n as wwxb,
                totals.base_n as wwbb
            from (
                select
                    {{ cell | join(', ') }},
                    {{ item | join(', ') }},
                    sum(n) as n,
                    sum(cxx) as cxx,
                    sum(cxb) as cxb
                from (
                    select
                        {{ prefixed(cell, 'items') }},
                        {{ prefixed(item, 'items') }},
                        sum(cast(items.n as double)) as n,
                        sum(cast(items.n as double) * items.n) as cxx,
                        sum(cast(items.n as double) * bases.n) as cxb
                    from {{ items }} as items
                    inner join {{ bases }} as bases
                        on
                            items.{{ customer }} = bases.{{ customer }}
                            {%- for column in cell %}
                            and items.{{ column }} = bases.{{ column }}
                            {%- endfor %}
                    group by {{ prefixed(cell, 'items') }}, {{ prefixed(item, 'items') }}
                    {%- if single_items %}
                    union all
                    select
                        {{ cell | join(', ') }},
                        {{ item | join(', ') }},
                        cast(n as double) as n,
                        cast(n as double) as cxx,
                        cast(n as double) as cxb
                    from {{ single_items }}
                    {%- endif %}
                ) as summed
                group by {{ cell | join(', ') }}, {{ item | join(', ') }}
            ) as counted
            inner join (
                select
                    {{ cell | join(', ') }},
                    sum(cast(n as double)) as base_n,
                    sum(cast(square as double)) as cbb
                from (
                    select
                        {{ cell | join(', ') }},
                        n,
                        cast(n as double) * n as square
                    from {{ bases }}
                    {%- if single_bases %}
                    union all
                    select
                        {{ cell | join(', ') }},
                        n,
                        cast(n as double) as square
                    from {{ single_bases }}
                    {%- endif %}
                ) as weighed
                group by {{ cell | join(', ') }}
            ) as totals
                on
                    {%- for column in cell %}
                    {{ 'and ' if not loop.first }}counted.{{ column }} = totals.{{ column }}
                    {%- endfor %}
        ) as shared
    ) as sized
{%- endmacro %}

{# Whether two relations agree in each of the columns. #}
{% macro agree_on(columns, one, other) -%}
    {%- for column in columns -%}
        {{ ' and ' if not loop.first }}{{ one }}.{{ column }} = {{ other }}.{{ column }}
    {%- endfor -%}
{%- endmacro %}
