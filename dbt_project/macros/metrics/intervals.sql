{# Limits of two-sided intervals, as expressions. `sign` is '-' for the lower limit and '+' for the
   upper; `n` is the effective number of records (moments.sql), `z` and `t` the quantile. All give
   null where the sample cannot bound the value (greatest and least skip nulls, hence the cases). #}

{# The standard error that a published interval stands for; the model has the CTE `settings`. #}
{% macro standard_error(ci_low, ci_high) -%}
    ({{ ci_high }} - {{ ci_low }}) / (2 * settings.z)
{%- endmacro %}

{# Agresti's standard error of a share, of n + 2 records: one in which all agree has one too. #}
{% macro share_error(share, n) -%}
    sqrt(
        ({{ n }} * {{ share }} + 1) / ({{ n }} + 2)
        * (1 - ({{ n }} * {{ share }} + 1) / ({{ n }} + 2))
        / ({{ n }} + 2)
    )
{%- endmacro %}

{# Wilson's score interval of a share. #}
{% macro wilson_limit(share, n, z, sign) -%}
    case when {{ n }} > 0 then greatest(0.0, least(1.0,
        (
            {{ share }} + {{ z }} * {{ z }} / (2 * {{ n }})
            {{ sign }} {{ z }} * sqrt(
                greatest({{ share }} * (1 - {{ share }}), 0.0) / {{ n }}
                + {{ z }} * {{ z }} / (4 * {{ n }} * {{ n }})
            )
        ) / (1 + {{ z }} * {{ z }} / {{ n }})
    )) end
{%- endmacro %}

{# Variance of one record whose value is −1, 0 or 1: p + d − (p − d)². For WOMI, whose two sides may
   meet in one person, the same expression is a + b − 2·P(both) − (a − b)², because such a person's
   value is 0. `square` is the mean of the squared values, `net` the mean of the values. #}
{% macro net_variance(net, square) -%}
    greatest({{ square }} - ({{ net }}) * ({{ net }}), 0.0)
{%- endmacro %}

{# Adjusted Wald interval of a net share in −1…1: three records are added, ¾ of them on either side
   and 1½ in the middle, which keeps the interval honest where all records agree. #}
{% macro adjusted_wald_limit(net, square, n, z, sign) -%}
    case when {{ n }} > 0 then greatest(-1.0, least(1.0,
        ({{ n }} * {{ net }}) / ({{ n }} + 3)
        {{ sign }} {{ z }} * sqrt(
            {{ net_variance(
                '(' ~ n ~ ' * ' ~ net ~ ') / (' ~ n ~ ' + 3)',
                '(' ~ n ~ ' * ' ~ square ~ ' + 1.5) / (' ~ n ~ ' + 3)'
            ) }} / ({{ n }} + 3)
        )
    )) end
{%- endmacro %}

{# Interval of a net share by its own variance. Where all records agree that variance is zero and
   bounds nothing, so the adjusted Wald interval stands in. #}
{% macro net_variance_limit(net, square, n, z, sign) -%}
    case
        when {{ net_variance(net, square) }} > 1e-12 and {{ n }} > 0
            then greatest(-1.0, least(1.0,
                {{ net }} {{ sign }} {{ z }} * sqrt({{ net_variance(net, square) }} / {{ n }})
            ))
        else {{ adjusted_wald_limit(net, square, n, z, sign) }}
    end
{%- endmacro %}

{# Interval of a total: customers come one by one and bring what they bring, so that the variance of
   their sum is the sum of their squares (a compound Poisson total). #}
{% macro total_limit(total, customer_squares, z, sign) -%}
    {{ total }} {{ sign }} {{ z }} * sqrt(greatest({{ customer_squares }}, 0.0))
{%- endmacro %}

{# Student's interval around a value with a standard error, kept within the end of its scale where
   it has one; null without at least two customers. #}
{% macro t_limit(value, standard_error, t, scale_end, sign) -%}
    case
        when {{ standard_error }} is null or {{ t }} is null then null
        when {{ scale_end }} {{ '>' if sign == '-' else '<' }}
            {{ value }} {{ sign }} {{ t }} * {{ standard_error }} then {{ scale_end }}
        else {{ value }} {{ sign }} {{ t }} * {{ standard_error }}
    end
{%- endmacro %}

{# Two-sided p-value of a standard normal z: the complementary error function of |z|/√2 by Chebyshev
   fitting (Numerical Recipes, erfcc), right to 1.2e-7 of its size everywhere, because neither engine
   has one. #}
{% macro two_sided_p(z) -%}
    {%- set t = '(1.0 / (1.0 + 0.5 * abs(' ~ z ~ ') / sqrt(2.0)))' -%}
    {%- set terms = [
        0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418,
        0.37409196, 1.00002368,
    ] -%}
    {%- set series = namespace(text='0.0') -%}
    {%- for term in terms -%}
        {%- set series.text = '(cast(' ~ term ~ ' as double) + ' ~ t ~ ' * ' ~ series.text ~ ')' -%}
    {%- endfor -%}
    {{ t }} * exp(
        -({{ z }}) * ({{ z }}) / 2.0 - cast(1.26551223 as double) + {{ t }} * {{ series.text }}
    )
{%- endmacro %}
