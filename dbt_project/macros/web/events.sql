{# Key of the session to which an event belongs: a session id is unique within its client only. #}
{% macro session_key(prefix='') -%}
    {{ surrogate_key([
        prefix ~ 'source', "'session'", prefix ~ 'client_id', prefix ~ 'session_ref'
    ]) }}
{%- endmacro %}

{# Whether an event tells of an error that the visitor met. #}
{% macro is_error_event() -%}
    (
        error_code is not null
        or event_name in ('exception', 'app_exception', 'error', 'form_error', 'checkout_error')
    )
{%- endmacro %}

{# What a tag names as content or section; a name that a template left unfilled names nothing. #}
{% macro named_content(content_id) -%}
    case
        when
            lower({{ content_id }}) not in ('', 'undefined', 'null', '(not set)', 'none')
            and {{ content_id }} not like '%{{ '{{' }}%'
            then {{ content_id }}
    end
{%- endmacro %}

{# The part of a host name that one owner registers: the last two labels, or three where the last
   but one is as short as in co.uk. #}
{% macro registered_domain(host) -%}
    case
        when length(split_part({{ host }}, '.', -2)) <= 3
            then concat_ws(
                '.',
                split_part({{ host }}, '.', -3),
                split_part({{ host }}, '.', -2),
                split_part({{ host }}, '.', -1)
            )
        else concat_ws('.', split_part({{ host }}, '.', -2), split_part({{ host }}, '.', -1))
    end
{%- endmacro %}

{# Where the events of the touched visits lie, as a condition on the conformed web events: the days
   are known when the engine plans, so that it skips the others. #}
{% macro is_of_touched_session() -%}
    {%- set bounds = [] -%}
    {%- if execute -%}
        {%- set bounds = run_query(
            'select min(from_date), max(to_date) from ' ~ ref('int_touched_sessions')
        )[0] -%}
    {%- endif -%}
    partition_date between date '{{ bounds[0] or "0001-01-01" }}' and date '{{ bounds[1] or "0001-01-01" }}'
        and (source, client_id, session_ref) in (
            select (source, client_id, session_ref) from {{ ref('int_touched_sessions') }}
        )
{%- endmacro %}
