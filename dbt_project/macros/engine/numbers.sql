{# The power of ten at or below a number: 100 for 250; 0 for what is not above zero. The logarithm of a
   power of ten is exact on both engines. #}
{% macro power_of_ten(number) -%}
    case when {{ number }} > 0 then power(10, floor(log10({{ number }}))) else 0 end
{%- endmacro %}

{# A quotient of decimals as an amount with two decimals. DuckDB divides decimals as doubles, Spark
   exactly: where the quotient ends in half a cent they would round apart (69.71 / 2 is 34.855, as a
   double a little less), so Spark does as DuckDB. #}
{% macro amount_quotient(numerator, denominator) -%}
    {{ return(adapter.dispatch('amount_quotient')(numerator, denominator)) }}
{%- endmacro %}

{% macro duckdb__amount_quotient(numerator, denominator) -%}
    cast({{ numerator }} / {{ denominator }} as decimal(18, 2))
{%- endmacro %}

{% macro spark__amount_quotient(numerator, denominator) -%}
    cast(
        round(cast({{ numerator }} as double) / cast({{ denominator }} as double) * 100) / 100
        as decimal(18, 2)
    )
{%- endmacro %}

{# A sum of doubles that comes out the same in whatever order they are added: two threads, or two
   engines, add them as they come, and doubles then differ in their last digits. Decimals add exactly.
   Addends of ten trillion and more are added as doubles are: of them it may show. #}
{% macro exact_sum(expression) -%}
    {%- set fits = 'abs(' ~ expression ~ ') < 1e13' -%}
    {%- set exact -%}
    cast(sum(cast(case when {{ fits }} then {{ expression }} end as decimal(38, 15))) as double)
    {%- endset -%}
    {%- set others -%}
    sum(case when not {{ fits }} then {{ expression }} end)
    {%- endset -%}
    coalesce({{ exact }} + {{ others }}, {{ exact }}, {{ others }})
{%- endmacro %}

{# A mean of doubles that comes out the same in whatever order they are added. #}
{% macro exact_mean(expression) -%}
    {{ exact_sum(expression) }} / nullif(count({{ expression }}), 0)
{%- endmacro %}

{# The sample variance of doubles, the same in whatever order they are added: of numbers that lie
   about as far from zero as from each other, such as answers on a scale. What is left of equal ones by
   rounding, of doubles and to the fifteen places of `exact_sum`, is none. #}
{% macro exact_variance(expression) -%}
    {%- set number = 'cast(' ~ expression ~ ' as double)' -%}
    {%- set squares = exact_sum(number ~ ' * ' ~ number) -%}
    {%- set spread = squares ~ ' - ' ~ exact_mean(number) ~ ' * ' ~ exact_sum(number) -%}
    case
        when count({{ expression }}) < 2 then null
        when {{ spread }} <= 1e-12 * {{ squares }} then 0
        else ({{ spread }}) / (count({{ expression }}) - 1)
    end
{%- endmacro %}
