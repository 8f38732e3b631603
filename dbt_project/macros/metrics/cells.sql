{# First day of the period of a kind that a date lies in. Weeks are ISO weeks. #}
{% macro period_start(date, period_type) -%}
    cast(
        case {{ period_type }}
            when 'day' then {{ date }}
            when 'week' then date_trunc('week', {{ date }})
            when 'month' then date_trunc('month', {{ date }})
            else date_trunc('quarter', {{ date }})
        end as date
    )
{%- endmacro %}

{# The body of a CTE `period_types`: the kinds of period that rows are counted in. #}
{% macro period_types(names) -%}
    {%- for name in names %}
    select '{{ name }}' as period_type
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# A record's place at a grain: its own dimension where the grain tells cells apart by it, else the
   literal `all`. #}
{% macro cell_dimensions(record, grain) -%}
    case when {{ grain }}.by_stage then {{ record }}.journey_stage else 'all' end as journey_stage,
    case when {{ grain }}.by_channel then {{ record }}.channel else 'all' end as channel,
    case
        when {{ grain }}.by_touchpoint then {{ record }}.touchpoint_id else 'all'
    end as touchpoint_id,
    case when {{ grain }}.by_persona then {{ record }}.persona_id else 'all' end as persona_id
{%- endmacro %}

{# Key of a cell: its grain follows from which dimensions are `all`. #}
{% macro metric_cell_key(
    period_type='period_type', period_start='period_start', journey_stage='journey_stage',
    channel='channel', touchpoint_id='touchpoint_id', persona_id='persona_id'
) -%}
    {{ surrogate_key([
        'metric_id', period_type, period_start, journey_stage, channel, touchpoint_id, persona_id,
    ]) }}
{%- endmacro %}

{# Last day of the period of a kind that starts on a date. #}
{% macro period_end(period_start, period_type) -%}
    cast(
        case {{ period_type }}
            when 'day' then {{ period_start }}
            when 'week' then {{ period_start }} + interval '6 days'
            when 'month' then {{ period_start }} + interval '1 month' - interval '1 day'
            else {{ period_start }} + interval '3 months' - interval '1 day'
        end as date
    )
{%- endmacro %}
