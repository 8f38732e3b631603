{# CTEs from the sums of cells (moments.sql) to `estimated`: value, design effect, effective number of
   records and 95 % interval of every share, mean, net, ratio and total, by what the catalogue says
   of the metric. `summed` is the relation with the sums, one row per metric and cell; `cell` lists
   the columns that name a cell. Needs the CTEs `metrics` (the catalogue), `settings` (z) and
   `t_quantiles`. #}
{% macro metric_estimates(summed, cell) -%}
    ratios as (

        select
            *,
            wx / nullif(wb, 0) as m
        from {{ summed }}

    ),

    clustered as (

        select
            *,
            {{ design_effect() }} as design_effect
        from ratios

    ),

    sized as (

        select
            clustered.*,
            {{ kish_n() }} / clustered.design_effect as effective_n,
            clustered.wxx / nullif(clustered.w, 0) as mean_square,
            -- of a mean: s² over the effective number of records; of a ratio: the linearised variance
            case
                when {{ kish_n() }} > 1
                    then sqrt(
                        clustered.design_effect
                        * greatest(
                            case metrics.estimator
                                when 'ratio'
                                    then
                                        {{ residual_sum('wwxx', 'wwxb', 'wwbb', 'm') }} / (wb * wb)
                                        * {{ kish_n() }}
                                else clustered.wxx / clustered.w - clustered.m * clustered.m
                            end,
                            0.0
                        ) / ({{ kish_n() }} - 1)
                    )
            end as standard_error
        from clustered
        inner join metrics on clustered.metric_id = metrics.metric_id

    ),

    estimated as (

        select
            sized.metric_id,
            {%- for column in cell %}
            sized.{{ column }},
            {%- endfor %}
            sized.n,
            sized.customer_count,
            sized.design_effect,
            sized.effective_n,
            case metrics.estimator
                when 'net' then 100 * sized.m
                when 'total' then round(sized.wx, 6)
                else sized.m
            end as value,
            {%- for limit, sign in [('ci_low', '-'), ('ci_high', '+')] %}
            case metrics.interval_method
                when 'wilson'
                    then {{ wilson_limit('sized.m', 'sized.effective_n', 'settings.z', sign) }}
                when 'adjusted_wald'
                    then 100 * {{ adjusted_wald_limit(
                            'sized.m', 'sized.mean_square', 'sized.effective_n', 'settings.z', sign
                        ) }}
                when 'net_variance'
                    then 100 * {{ net_variance_limit(
                            'sized.m', 'sized.mean_square', 'sized.effective_n', 'settings.z', sign
                        ) }}
                -- a total of times or counts is never below zero, though revenue may be
                when 'compound_poisson'
                    then greatest(
                        round({{ total_limit('sized.wx', 'sized.cxx', 'settings.z', sign) }}, 6),
                        cast(metrics.scale_min as double)
                    )
                -- a count of all there was is no estimate
                when 'none' then cast(null as double)
                else {{ t_limit(
                        'sized.m', 'sized.standard_error', 't_quantiles.t_quantile',
                        'metrics.scale_min' if sign == '-' else 'metrics.scale_max', sign
                    ) }}
            end as {{ limit }}{{ "," if not loop.last }}
            {%- endfor %}
        from sized
        inner join metrics on sized.metric_id = metrics.metric_id
        cross join settings
        -- degrees of freedom count customers, not their repeated records
        left join t_quantiles
            on sized.customer_count - 1 between t_quantiles.df_from and t_quantiles.df_to

    ),
{%- endmacro %}
