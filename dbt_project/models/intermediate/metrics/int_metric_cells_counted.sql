{{ written_by_difference() }}
with

summed as (

    select * from {{ ref('int_metric_cells_summed') }}

),

quantiles as (

    select * from {{ ref('int_metric_quantiles_estimated') }}

),

alphas as (

    select * from {{ ref('int_metric_alphas_estimated') }}

),

unioned as (

    {% for relation in ['summed', 'quantiles', 'alphas'] -%}
    select
        metric_id,
        period_type,
        grain_id,
        period_start,
        journey_stage,
        channel,
        touchpoint_id,
        persona_id,
        n
    from {{ relation }}
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}

),

final as (

    select
        {{ metric_cell_key() }} as cell_key,
        metric_id,
        period_type,
        grain_id,
        period_start,
        journey_stage,
        channel,
        touchpoint_id,
        persona_id,
        n
    from unioned

)

select * from final
