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
