{# Quantiles under censoring, of any relation of records: medians and percentiles of times of which
   some still run.

   `records` has one row per record and cell: cell_key, quantile (which share of the records lies
   below the figure), customer_id, value_number, weight, is_censored. `name` begins the names of the
   CTEs, so that one query may estimate several. #}
-- noqa: disable=LT02

{# CTEs up to `<name>_cells` (what is counted, with the columns of `cell` that name it),
   `<name>_survival` (the share of records that are unfinished after each time) and `<name>_values`
   (the quantile): the Kaplan–Meier estimate, which without censoring is the ordinary quantile.
   `given` is the text of the CTEs before. #}
{% macro quantile_values(records, name, given, cell=[]) -%}
    {%- set risk_ctes -%}
    {{ name }}_cells as (

        select
            cell_key,
            quantile,
            {%- for column in cell %}
            {{ column }},
            {%- endfor %}
            count(*) as n,
            count(distinct customer_id) as customer_count,
            -- weights are scaled so that they sum to Kish's effective number of records
            sum(weight) / nullif(sum(weight * weight), 0) as weight_scale
        from {{ records }}
        group by {{ (['cell_key', 'quantile'] + cell) | join(', ') }}

    ),

    {{ name }}_moments as (

        select
            records.cell_key,
            records.value_number,
            cells.quantile,
            sum(case when records.is_censored then 0.0 else records.weight * cells.weight_scale end)
                as finished,
            sum(records.weight * cells.weight_scale) as leaving
        from {{ records }} as records
        inner join {{ name }}_cells as cells on records.cell_key = cells.cell_key
        group by records.cell_key, records.value_number, cells.quantile

    ),

    {{ name }}_at_risk as (

        select
            cell_key,
            value_number,
            quantile,
            finished,
            sum(leaving) over (
                partition by cell_key order by value_number desc
                rows between unbounded preceding and current row
            ) as exposed,
            sum(leaving) over (partition by cell_key) as everybody
        from {{ name }}_moments

    )
    {%- endset -%}

    {#- Who left unfinished counts as at risk until then, and as nothing after. The last moment,
        when all who remain finish, takes the share to zero and is kept out of the logarithm. -#}
    {%- set survival_curves %}
    select
        cell_key,
        value_number,
        quantile,
        everybody,
        case
            when exposed - finished < 1e-9 then 0.0
            else exp(sum(
                case when exposed - finished < 1e-9 then 0.0 else ln(1 - finished / exposed) end
            ) over (
                partition by cell_key order by value_number
                rows between unbounded preceding and current row
            ))
        end as unfinished_share,
        sum(
            case
                when exposed - finished < 1e-9 then 0.0
                else finished / (exposed * (exposed - finished))
            end
        ) over (
            partition by cell_key order by value_number
            rows between unbounded preceding and current row
        ) as greenwood_sum,
        lead(value_number) over (partition by cell_key order by value_number) as next_number
    from {{ name }}_at_risk
    where finished > 0
    {% endset -%}

    {{ risk_ctes }},

    {{ computed_once(name ~ '_survival', survival_curves, given=given ~ ',\n' ~ risk_ctes) }},

    -- The quantile is where the unfinished share falls to 1 − q; where it stays exactly there until
    -- the next time, the middle of the two, as for the ordinary median of an even number of records.
    {{ name }}_values as (

        select
            cell_key,
            min(
                case
                    when abs(unfinished_share - (1 - quantile)) < 1e-9
                        then (value_number + coalesce(next_number, value_number)) / 2
                    when unfinished_share < 1 - quantile then value_number
                end
            ) as value_number
        from {{ name }}_survival
        group by cell_key

    )
{%- endmacro %}

{# CTEs from those of quantile_values to `<name>_limits`: design effect and 95 % interval. #}
{% macro quantile_limits(records, name) -%}
    {%- set below_weight = '(case when records.value_number <= estimates.value_number'
        ~ ' then records.weight else 0.0 end)' %}
    {{ name }}_customers as (

        select
            records.cell_key,
            records.customer_id,
            {{ exact_sum('records.weight') }} as wb,
            {{ exact_sum('records.weight * records.weight') }} as wwbb,
            {{ exact_sum(below_weight) }} as wx,
            {{ exact_sum(below_weight ~ ' * records.weight') }} as wwxx
        from {{ records }} as records
        inner join {{ name }}_values as estimates on records.cell_key = estimates.cell_key
        group by records.cell_key, records.customer_id

    ),

    -- Clustering is that of lying below the quantile, a yes or no whose square is itself.
    {{ name }}_clustering as (

        select
            cell_key,
            {{ exact_sum('wx') }} / {{ exact_sum('wb') }} as m,
            {{ exact_sum('wwxx') }} as wwxx,
            {{ exact_sum('wwxx') }} as wwxb,
            {{ exact_sum('wwbb') }} as wwbb,
            {{ exact_sum('wx * wx') }} as cxx,
            {{ exact_sum('wx * wb') }} as cxb,
            {{ exact_sum('wb * wb') }} as cbb
        from {{ name }}_customers
        group by cell_key

    ),

    {{ name }}_design_effects as (

        select
            cell_key,
            {{ design_effect() }} as design_effect
        from {{ name }}_clustering

    ),

    {{ name }}_score_intervals as (

        select
            survival.cell_key,
            survival.value_number,
            survival.unfinished_share,
            1 - survival.quantile as target_share,
            design_effects.design_effect,
            -- Peto's effective size: as many uncensored records would have the same variance
            {{ metric_setting('interval_z') }} * sqrt(
                survival.quantile * (1 - survival.quantile) * design_effects.design_effect
                / case
                    when survival.greenwood_sum <= 0 or survival.unfinished_share <= 0
                        then survival.everybody
                    else
                        (1 - survival.unfinished_share)
                        / (survival.unfinished_share * survival.greenwood_sum)
                end
            ) as half_width
        from {{ name }}_survival as survival
        inner join {{ name }}_design_effects as design_effects
            on survival.cell_key = design_effects.cell_key

    ),

    -- The limits are the times between which 1 − q lies in the score interval of the unfinished
    -- share. Without censoring these are the order statistics nq ∓ z√(nq(1−q)), rounded up (Conover,
    -- 1999, section 3.2). Where the sample does not reach that far, there is no limit on that side.
    {{ name }}_limits as (

        select
            cell_key,
            max(design_effect) as design_effect,
            case
                when max(target_share + half_width) < 1
                    then min(
                        case
                            when unfinished_share <= target_share + half_width + 1e-9
                                then value_number
                        end
                    )
            end as ci_low,
            min(case when unfinished_share <= target_share - half_width + 1e-9 then value_number end)
                as ci_high
        from {{ name }}_score_intervals
        group by cell_key

    )
{%- endmacro %}
