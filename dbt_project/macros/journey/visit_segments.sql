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
