{# Key of the session to which an event belongs: a session id is unique within its client only. #}
{% macro session_key() -%}
    {{ surrogate_key(['source', "'session'", 'client_id', 'session_ref']) }}
{%- endmacro %}

{# Whether an event tells of an error that the visitor met. #}
{% macro is_error_event() -%}
    (
        error_code is not null
        or event_name in ('exception', 'app_exception', 'error', 'form_error', 'checkout_error')
    )
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
