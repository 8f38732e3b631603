{# Path of a URL, without host, query and fragment; parts that look like an e-mail address are
   masked. Null where the text is no URL. Trimming and masking wait for a cheap sign that there is
   something to trim or mask: on every event they take longer than finding the path. #}
{% macro masked_link_path(url) -%}
    {%- set trimmed = "case when " ~ url ~ " like ' %' or " ~ url ~ " like '% ' then trim(" ~ url
        ~ ") else " ~ url ~ " end" -%}
    {%- set path = "nullif(regexp_extract(" ~ trimmed
        ~ ", '^([a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*)?(/[^?#]*)', 2), '')" -%}
    case
        when {{ url }} like '%@%' or {{ url }} like '%!%40%' escape '!'
            then {{ replace_matches(path, '[^/@%]+(@|%40)[^/]+', 'redacted:email') }}
        else {{ path }}
    end
{%- endmacro %}
