{# Every total with its parts is an equation. None may leave a withheld figure as only unknown. #}
with

members as (

    {{ members_marked(ref('int_metric_cells_related'), ref('int_metric_cells_suppressed')) }}

)

select relation_key
from members
group by relation_key
having {{ is_relation_solvable() }}
