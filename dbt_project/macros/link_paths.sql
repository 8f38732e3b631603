{# Path of a URL, without host, query and fragment; parts that look like an e-mail address are
   masked. Null where the text is no URL. #}
{% macro masked_link_path(url) -%}
    {{ replace_matches(
        "nullif(regexp_extract(trim(" ~ url ~ "), '^([a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*)?(/[^?#]*)', 2), '')",
        '[^/@%]+(@|%40)[^/]+',
        'redacted:email'
    ) }}
{%- endmacro %}
