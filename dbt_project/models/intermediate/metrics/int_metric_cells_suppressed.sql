{# Each pass withholds one more cell wherever a withheld figure could still be computed. Doing so
   may open another relation of that cell, hence the passes. The cell is taken that costs least: few
   records, and few other relations opened. On the demo 8 passes suffice; a test tells if these do
   not. #}
{%- set passes = 12 -%}
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
{%- set state = namespace(known=known) -%}

{%- for pass in range(1, passes + 1) -%}
{%- set withheld -%}
with

marked as (

    select
        members.relation_key,
        members.cell_key,
        members.is_total,
        members.n,
        withheld.cell_key is not null as is_withheld
    from members
    left join withheld_{{ pass - 1 }} as withheld on members.cell_key = withheld.cell_key

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

{{ computed_once('withheld_' ~ pass, withheld, given=state.known) }}
{%- endset -%}
{%- endfor -%}

with

{{ state.known }},

final as (

    select
        cells.cell_key,
        case when withheld.pass = 0 then 'small' else 'complementary' end as suppression_reason,
        withheld.pass as suppression_pass
    from cells
    inner join withheld_{{ passes }} as withheld on cells.cell_key = withheld.cell_key

)

select * from final
