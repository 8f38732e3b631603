{{ written_by_difference() }}
{# Each pass withholds one more cell wherever a withheld figure could still be computed. Doing so
   may open another relation of that cell, hence the passes. The cell is taken that costs least: few
   records, and few other relations opened. Each pass leaves about half of what the one before it left:
   on the demo 10 suffice, and a year of 1,500 customers had 8 figures left after 12. Of a metric of
   which anything is left after the last pass no cell is published: that nothing can be computed back
   must not hang on the number of passes. #}
{%- set passes = 16 -%}
{%- set known -%}
cells as (

    select * from {{ ref('int_metric_cells_counted') }}

),

members as (

    select * from {{ ref('int_metric_cells_related') }}

),

withheld_0 as (

    select
        cell_key,
        0 as pass
    from cells
    where n < {{ metric_setting('min_published_n') }}

)
{%- endset -%}
{%- set state = namespace(known=known, is_settled=false) -%}

{%- for pass in range(1, passes + 1) -%}
{%- set withheld -%}
with

marked as (

    {{ members_marked('members', 'withheld_' ~ (pass - 1)) }}

),

relations as (

    select
        relation_key,
        {{ is_relation_solvable() }} as is_solvable,
        max(case when is_withheld then 1 else 0 end) = 0 as is_untouched
    from marked
    group by relation_key

),

candidates as (

    select
        marked.cell_key,
        marked.n,
        sum(case when relations.is_untouched then 1 else 0 end) as relations_opened
    from marked
    inner join relations on marked.relation_key = relations.relation_key
    where not marked.is_withheld
    group by marked.cell_key, marked.n
    having max(case when relations.is_solvable then 1 else 0 end) = 1

),

ranked as (

    select
        marked.cell_key,
        row_number() over (
            partition by marked.relation_key
            order by
                marked.n * (1 + candidates.relations_opened), marked.is_total, marked.cell_key
        ) as candidate_rank
    from marked
    inner join relations on marked.relation_key = relations.relation_key
    inner join candidates on marked.cell_key = candidates.cell_key
    where relations.is_solvable

)

select
    cell_key,
    min(pass) as pass
from (
    select
        cell_key,
        pass
    from withheld_{{ pass - 1 }}
    union all
    select
        cell_key,
        {{ pass }} as pass
    from ranked
    where candidate_rank = 1
) as passes
group by cell_key
{%- endset -%}
{%- set state.known -%}
{{ state.known }},

{% if state.is_settled -%}
withheld_{{ pass }} as (select * from withheld_{{ pass - 1 }})
{%- else -%}
{{ computed_once('withheld_' ~ pass, withheld, given=state.known) }}
{%- endif -%}
{%- endset -%}
{#- After a pass that withheld nothing, none does. -#}
{%- if pass > 1 and not state.is_settled -%}
{%- set state.is_settled = have_as_many_rows('withheld_' ~ pass, 'withheld_' ~ (pass - 1)) -%}
{%- endif -%}
{%- endfor -%}

with

{{ state.known }},

marked as (

    {{ members_marked('members', 'withheld_' ~ passes) }}

),

left_over as (

    select relation_key
    from marked
    group by relation_key
    having {{ is_relation_solvable() }}

),

metrics_left_over as (

    select distinct cells.metric_id
    from left_over
    inner join members on left_over.relation_key = members.relation_key
    inner join cells on members.cell_key = cells.cell_key

),

final as (

    select
        cells.cell_key,
        case when withheld.pass = 0 then 'small' else 'complementary' end as suppression_reason,
        coalesce(withheld.pass, {{ passes + 1 }}) as suppression_pass
    from cells
    left join withheld_{{ passes }} as withheld on cells.cell_key = withheld.cell_key
    left join metrics_left_over on cells.metric_id = metrics_left_over.metric_id
    where withheld.cell_key is not null or metrics_left_over.metric_id is not null

)

select * from final
