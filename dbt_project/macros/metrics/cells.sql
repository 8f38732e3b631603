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
