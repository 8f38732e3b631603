{# Every total with its parts is an equation. None may leave a withheld figure as its only unknown. #}
with

members as (

    select
        related.relation_key,
        related.is_total,
        related.n,
        suppressed.cell_key is not null as is_withheld
    from {{ ref('int_metric_cells_related') }} as related
    left join {{ ref('int_metric_cells_suppressed') }} as suppressed
        on related.cell_key = suppressed.cell_key

)

select relation_key
from members
group by relation_key
having {{ is_relation_solvable() }}
