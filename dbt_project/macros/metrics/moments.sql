{# Sums from which a weighted mean or ratio, its variance and its clustering follow.

   A metric is Σ w·x / Σ w·b: x is the observed value, w its weight, b its base (1 for a mean).
   `observation_moments` sums the records of one customer in one cell; `customer_moments` sums those
   over the customers of the cell. Because only sums are kept, the interval of every cell and every
   total follows from one pass over the records. #}

{% macro observation_moments(value='value_number', base='base_number', weight='weight') -%}
    sum(case when is_counted then 1 else 0 end) as n,
    {{ exact_sum(weight) }} as w,
    {{ exact_sum(weight ~ ' * ' ~ weight) }} as ww,
    {{ exact_sum(weight ~ ' * ' ~ value) }} as wx,
    {{ exact_sum(weight ~ ' * ' ~ base) }} as wb,
    {{ exact_sum(weight ~ ' * ' ~ value ~ ' * ' ~ value) }} as wxx,
    {{ exact_sum(weight ~ ' * ' ~ weight ~ ' * ' ~ value ~ ' * ' ~ value) }} as wwxx,
    {{ exact_sum(weight ~ ' * ' ~ weight ~ ' * ' ~ value ~ ' * ' ~ base) }} as wwxb,
    {{ exact_sum(weight ~ ' * ' ~ weight ~ ' * ' ~ base ~ ' * ' ~ base) }} as wwbb
{%- endmacro %}

{# A customer's moments in one cell. A metric that counts customers counts each once: with the largest
   value of the customer's records there (`any`: a yes if any record is one) or with their sum. #}
{% macro once_per_customer(moments, customer_value) -%}
    {%- set value -%}
    case {{ customer_value }} when 'sum' then wx else any_value end
    {%- endset -%}
    {%- for moment in moments %}
    case
        when {{ customer_value }} is null then {{ moment }}
        {%- if moment in ['wx', 'wwxb'] %}
        else {{ value }}
        {%- elif moment in ['wxx', 'wwxx'] %}
        else {{ value }} * {{ value }}
        {%- else %}
        else 1
        {%- endif %}
    end as {{ moment }}
    {{- "," if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Sums over the customers of a cell, of their moments: of those named here, and what tells how they
   are clustered, for which each has wx and wb. #}
{% macro customer_moments(
    moments=['n', 'w', 'ww', 'wx', 'wb', 'wxx', 'wwxx', 'wwxb', 'wwbb']
) -%}
    {%- for moment in moments %}
    {{ 'cast(sum(n) as bigint)' if moment == 'n' else exact_sum(moment) }} as {{ moment }},
    {%- endfor %}
    count(*) as customer_count,
    {{ exact_sum('wx * wx') }} as cxx,
    {{ exact_sum('wx * wb') }} as cxb,
    {{ exact_sum('wb * wb') }} as cbb
{%- endmacro %}

{# Kish's effective number of records under unequal weights: (Σw)² / Σw². #}
{% macro kish_n(w='w', ww='ww') -%}
    ({{ w }} * {{ w }} / nullif({{ ww }}, 0))
{%- endmacro %}

{# Sum of squared residuals x − m·b from the sums of xx, xb, bb at the ratio m. #}
{% macro residual_sum(xx, xb, bb, m) -%}
    ({{ xx }} - 2 * {{ m }} * {{ xb }} + {{ m }} * {{ m }} * {{ bb }})
{%- endmacro %}

{# Design effect of customers who are counted several times: the variance of customers' residual
   sums over the variance that independent records would have. It is 1 where everybody is counted
   once, and is never taken below 1: an apparent gain from clustering is chance in small cells.
   Where all records agree their correlation cannot be estimated; they are then taken to be fully
   correlated within a customer, so that one customer's ten answers weigh as one. What is left of
   residuals by rounding, of doubles and to the fifteen places of `exact_sum`, is no disagreement. #}
{% macro design_effect(m='m') -%}
    greatest(
        1.0,
        case
            when
                {{ residual_sum('wwxx', 'wwxb', 'wwbb', m) }}
                > 1e-12 * (wwxx + {{ m }} * {{ m }} * wwbb) + 1e-14 * wwbb
                then {{ residual_sum('cxx', 'cxb', 'cbb', m) }}
                    / {{ residual_sum('wwxx', 'wwxb', 'wwbb', m) }}
            when wwbb > 0 then cbb / wwbb
            else 1.0
        end
    )
{%- endmacro %}
