{# By what visits are told apart in funnels and among those who left, one at a time: dimension,
   expression over the visit, and whether funnels have it by day as well: days are for watching what
   may break, and a campaign's day is a handful of visits. #}
{% macro visit_segments() -%}
    {{ return([
        ('all', "'all'", true),
        ('channel', 'platform', true),
        ('device', 'device_category', true),
        ('browser', "device_category || ' / ' || browser", true),
        ('persona', 'persona_id', false),
        ('channel_group', 'channel_group', false),
        ('campaign', 'traffic_campaign', false),
        ('search_intent', "coalesce(search_intent, 'no_search')", false),
    ]) }}
{%- endmacro %}

{# The body of a CTE `dimensions`: one row per dimension of visits. #}
{% macro visit_dimensions() -%}
    {%- for dimension, expression, has_days in visit_segments() %}
    select
        '{{ dimension }}' as dimension,
        {{ has_days }} as has_days
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# A visit's segment of the row of `dimensions` that it is joined to: one pass over the visits serves
   all dimensions. #}
{% macro visit_segment() -%}
    coalesce(
        case dimensions.dimension
            {%- for dimension, expression, has_days in visit_segments() %}
            when '{{ dimension }}' then {{ expression }}
            {%- endfor %}
        end,
        'unknown'
    )
{%- endmacro %}

{# Places of visits: what all visits of one day that agree in all their segments have in common, and
   in `keys`. They are few, so that places are put into the cells of all periods and dimensions, and
   visits only count at their place. #}

{# Number of a visit's place, and the columns that make it: of a relation with `keys`, `date` and
   visit_columns(). #}
{% macro visit_place(keys, date) -%}
    {%- set segments = [] -%}
    {%- for dimension, expression, has_days in visit_segments() if dimension != 'all' -%}
        {%- do segments.append("coalesce(" ~ expression ~ ", 'unknown')") -%}
    {%- endfor -%}
    {{ numbered(keys + [date] + segments) }} as place_number,
    {%- for dimension, expression, has_days in visit_segments() %}
    coalesce({{ expression }}, 'unknown') as {{ dimension }}_segment
    {{- "," if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The body of a CTE `places`: one row per place of a relation with the columns of visit_place(), and
   how many visits it has. #}
{% macro visit_places(visits, keys, date) -%}
    {%- set columns = ['place_number'] + keys -%}
    {%- for dimension, expression, has_days in visit_segments() -%}
        {%- do columns.append(dimension ~ '_segment') -%}
    {%- endfor %}
    select
        {{ columns | join(', ') }},
        {{ date }} as visit_date,
        count(*) as visit_count
    from {{ visits }}
    group by {{ columns | join(', ') }}, {{ date }}
{%- endmacro %}

{# The body of a CTE of the periods and segments that each of `places` lies in: of the CTEs `places`,
   `period_types` and `dimensions`. #}
{% macro segments_of_places(keys) -%}
    select
        places.place_number,
        {{ prefixed(keys, 'places') }},
        period_types.period_type,
        {{ period_start('places.visit_date', 'period_types.period_type') }} as period_start,
        dimensions.dimension,
        case dimensions.dimension
            {%- for dimension, expression, has_days in visit_segments() %}
            when '{{ dimension }}' then places.{{ dimension }}_segment
            {%- endfor %}
        end as segment,
        places.visit_count
    from places
    cross join period_types
    inner join dimensions on dimensions.has_days or period_types.period_type <> 'day'
{%- endmacro %}

{# The columns of a visit that its segments are told from, of the CTEs `sessions` and `customers`. #}
{% macro visit_columns() -%}
    sessions.platform,
    sessions.device_category,
    sessions.browser,
    sessions.channel_group,
    sessions.traffic_campaign,
    sessions.search_intent,
    coalesce(customers.persona_id, 'unknown') as persona_id
{%- endmacro %}

{# By which name segments are shown, of a relation of their sizes: those too small to be shown stand
   together as `other`; where even they are too few, the next smallest joins them, so that nothing
   can be computed back from the total. `cell` ends with the segment, `n` is its size; the model has
   the CTE `settings`. #}
{% macro pooled_segments(sizes, cell, n) -%}
    {%- set whole = cell[:-1] | join(', ') -%}
    select
        {{ prefixed(cell, 'small') }},
        case
            when small.dimension = 'all' then small.segment
            when small.is_small then 'other'
            when
                small.small_total between 1 and settings.min_published_n - 1
                and small.place = small.small_segments + 1
                then 'other'
            else small.segment
        end as shown_segment
    from (
        select
            {{ sizes }}.*,
            {{ sizes }}.{{ n }} < settings.min_published_n as is_small,
            sum(
                case
                    when {{ sizes }}.{{ n }} < settings.min_published_n then {{ sizes }}.{{ n }}
                    else 0
                end
            ) over (partition by {{ whole }}) as small_total,
            sum(case when {{ sizes }}.{{ n }} < settings.min_published_n then 1 else 0 end)
                over (partition by {{ whole }}) as small_segments,
            row_number() over (
                partition by {{ whole }} order by {{ sizes }}.{{ n }}, {{ sizes }}.segment
            ) as place
        from {{ sizes }}
        cross join settings
    ) as small
    cross join settings
{%- endmacro %}

{# The cells that segments are shown in, numbered within a model, so that what follows is grouped and
   joined by one number: body of a CTE over what pooled_segments made. #}
{% macro numbered_cells(named, cell) -%}
    select
        {{ cell | join(', ') }},
        row_number() over (order by {{ cell | join(', ') }}) as cell_number
    from (
        select distinct
            {{ cell[:-1] | join(', ') }},
            shown_segment as segment
        from {{ named }}
    ) as used
{%- endmacro %}

{# Rows, each with the number of the cell that its segment is shown in: joins of their relation, the
   names of segments and the cells. #}
{% macro joined_to_cells(rows, named, cells, cell) -%}
    inner join {{ named }} on {{ agree_on(cell, rows, named) }}
    inner join {{ cells }}
        on
            {{ agree_on(cell[:-1], named, cells) }}
            and {{ named }}.shown_segment = {{ cells }}.segment
{%- endmacro %}
