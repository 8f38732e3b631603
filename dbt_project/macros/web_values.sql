{# What staging keeps of addresses and texts of web events, before the full ones are left behind. #}

{# Host of a URL, lower case, without port; null where there is none. #}
{% macro url_host(url) -%}
    nullif(lower(regexp_extract({{ url }}, '^[a-zA-Z][a-zA-Z0-9+.-]*://([^/?#:@]+)', 1)), '')
{%- endmacro %}

{# Which member of a parameter's value is filled: string, int, float, double, several or none. The
   members are columns of their own. #}
{% macro member_filled(prefix='') -%}
    {%- set members = ['string', 'int', 'float', 'double'] -%}
    case
        {% for member in members -%}
        {{ "+ " if not loop.first }}case when {{ prefix }}{{ member }}_value is null then 0 else 1 end
        {% endfor -%}
        when 0 then 'none'
        when 1
            then
                case
                    {%- for member in members[:-1] %}
                    when {{ prefix }}{{ member }}_value is not null then '{{ member }}'
                    {%- endfor %}
                    else '{{ members[-1] }}'
                end
        else 'several'
    end
{%- endmacro %}

{# The value as text, whichever member holds it; of several the first of these. #}
{% macro member_text(prefix='') -%}
    coalesce(
        {{ prefix }}string_value,
        cast({{ prefix }}int_value as string),
        cast(coalesce({{ prefix }}double_value, {{ prefix }}float_value) as string)
    )
{%- endmacro %}

{# Which click id a URL's query carries, if any; few carry one, and `like` tells which. #}
{% macro url_click_id_type(url) -%}
    case
        when {{ url }} like '%clkid=%' or {{ url }} like '%clid=%'
            then nullif(regexp_extract({{ url }}, '[?&](gclid|dclid|fbclid|msclkid)=', 1), '')
    end
{%- endmacro %}

{# The personal identity code in a text: its first match with a valid check character. #}
{% macro _personal_id_match(text) -%}
    regexp_extract(
        {{ text }},
        '(^|[^0-9A-Za-z])([0-3][0-9][01][0-9][0-9][0-9][-+ABCDEFUVWXY][0-9][0-9][0-9][0-9A-Y])($|[^0-9A-Za-z])',
        2
    )
{%- endmacro %}

{# Kind of personal data in a text: email, phone, personal_id (Finnish identity code whose check
   character is right) or null. A telephone number must be international, or named as one, because
   bare digits are mostly ids. #}
{% macro personal_data_kind(text) -%}
    case
        when {{ text }} is null then null
        when ({{ text }} like '%@%' or {{ text }} like '%!%40%' escape '!') and regexp_extract(
            {{ text }}, '[A-Za-z0-9._+-]+(@|%40)[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*[.][A-Za-z][A-Za-z]+', 0
        ) <> '' then 'email'
        when ({{ text }} like '%+%' or {{ text }} like '%!%2%' escape '!') and regexp_extract(
            {{ text }}, '(^|[^0-9A-Za-z])([+]|%2[Bb])[1-9][0-9]{7,14}($|[^0-9])', 0
        ) <> '' then 'phone'
        when {{ text }} like '%=%' and regexp_extract(
            lower({{ text }}), '[?&](phone|tel|telephone|mobile|puhelin|puh|gsm)=[0-9%+ -]{7,}', 0
        ) <> '' then 'phone'
        when {{ _personal_id_match(text) }} <> ''
            and substr(
                '0123456789ABCDEFHJKLMNPRSTUVWXY',
                cast(
                    try_cast(
                        substr({{ _personal_id_match(text) }}, 1, 6)
                        || substr({{ _personal_id_match(text) }}, 8, 3) as bigint
                    ) % 31 as integer
                ) + 1,
                1
            ) = substr({{ _personal_id_match(text) }}, 11, 1) then 'personal_id'
    end
{%- endmacro %}

{# A text that may leave staging: replaced as a whole where it holds personal data. #}
{% macro without_personal_data(text) -%}
    {{ masked_value(text, personal_data_kind(text)) }}
{%- endmacro %}

{# The same where the kind has been found already. #}
{% macro masked_value(text, kind) -%}
    case
        when {{ kind }} is not null then 'redacted:' || {{ kind }}
        else {{ text }}
    end
{%- endmacro %}

{# A text whose name the measurement plan may declare to hold personal data: whatever it says. #}
{% macro without_declared_data(text, is_declared) -%}
    case
        when {{ is_declared }} and {{ text }} is not null then 'redacted:declared'
        else {{ text }}
    end
{%- endmacro %}
