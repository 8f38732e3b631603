{# The one place where free text loses its personal data: e-mail addresses, account and card numbers,
   Finnish personal identity codes and telephone numbers, Finnish and international. What merely
   looks like one is masked as well, and two numbers beside each other as one: a bound on the length
   would leave the rest of the second standing. Kinds are told in the text as
   'redacted:<kind>', as in web_values.sql. Patterns keep to what RE2 and Java share. #}
{% macro masked_text(text) -%}
    {%- set masked = namespace(sql="replace(" ~ text ~ ", chr(160), ' ')") -%}
    {%- for kind, pattern in [
        ('email', '[A-Za-z0-9ÅÄÖåäö._%+-]+ ?(@|%40|[(]at[)]|[(]ät[)]) ?'
            ~ '[A-Za-z0-9ÅÄÖåäö-]+([.][A-Za-z0-9ÅÄÖåäö-]+)*[.][A-Za-z][A-Za-z]+'),
        ('iban', '[A-Za-z][A-Za-z][0-9][0-9]( ?[A-Z0-9]{4}){2,}( ?[A-Z0-9]{1,3})?'),
        ('personal_id', '[0-3][0-9][01][0-9][0-9][0-9] ?[-–+A-FU-Ya-fu-y] ?[0-9][0-9][0-9][0-9A-Ya-y]'),
        ('phone', '([+] ?[1-9]|00 ?[1-9]|358 ?[1-9])([ ()./-]*[0-9]){6,}'),
        ('phone', '[(]?0[1-9]([ ()-]*[0-9]){5,}'),
        ('card', '[0-9]([ -]?[0-9]){12,}'),
    ] -%}
        {%- set masked.sql = replace_words(masked.sql, pattern, 'redacted:' ~ kind) -%}
    {%- endfor -%}
    {{ masked.sql }}
{%- endmacro %}

{# A pattern for masked_names(): the spellings of names, joined by '|'. Null where there is none. Names
   come in all spellings, so that only their letters are taken; short ones are looked for as they are
   written, because in small letters they begin too many words. `names` is null or a list of names
   joined by ', ' (distinct_values_text). #}
{% macro names_pattern(names) -%}
    {%- set plain = "nullif(" ~ replace_matches(names, '[^A-Za-zÀ-ÖØ-öø-ÿ ,-]', '') ~ ", '')" -%}
    replace({{ plain }} || ', ' || upper({{ plain }}) || ', ' || lower({{ plain }}), ', ', '|')
{%- endmacro %}

{# A text without the names of a pattern, their Finnish endings included. #}
{% macro masked_names(text, pattern) -%}
    case
        when {{ pattern }} is null then {{ text }}
        else {{ replace_words_of(
            text,
            "'(" ~ "' || " ~ pattern ~ " || '" ~ ")[A-Za-zÀ-ÖØ-öø-ÿ]{0,5}'",
            'redacted:name'
        ) }}
    end
{%- endmacro %}
