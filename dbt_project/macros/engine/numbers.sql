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
   Below ten billion they have eighteen places, and below 1e20, where a double is not finer, eight;
   beyond, addends are added as doubles are. #}
{% macro exact_sum(expression) -%}
    {%- set size = 'abs(' ~ expression ~ ')' -%}
    case
        when count({{ expression }}) > 0
            then
                coalesce(cast(sum(cast(
                    case when {{ size }} < 1e10 then {{ expression }} end as decimal(38, 18)
                )) as double), 0.0)
                + coalesce(cast(sum(cast(
                    case when {{ size }} >= 1e10 and {{ size }} < 1e20 then {{ expression }} end
                    as decimal(38, 8)
                )) as double), 0.0)
                + coalesce(sum(case when not {{ size }} < 1e20 then {{ expression }} end), 0.0)
    end
{%- endmacro %}
