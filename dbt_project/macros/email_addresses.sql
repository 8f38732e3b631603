{# What staging says about an e-mail address before only its hash is left. #}

{# Whether the text has the syntax of an address; null where there is none. A pseudonym that stands
   in the e-mail field (a digest) has not, and is still an identifier. #}
{% macro is_email_syntax(text) -%}
    regexp_extract(
        nullif(lower(trim({{ text }})), ''),
        '^[^@ ,;<>"]+@[^@ ,;<>".]+([.][^@ ,;<>".]+)*[.][a-z]{2,}$',
        0
    ) <> ''
{%- endmacro %}

{# Whether the address is one that people type to get through a form or that testers use: by its
   local part, or by a domain that can never receive mail or is thrown away. #}
{% macro is_test_email(text) -%}
    regexp_extract(
        nullif(lower(trim({{ text }})), ''),
        '^(test|testi|testaaja|tester|qa|demo|asdf|noreply|no-reply|none)([.+_0-9-][^@]*)?@',
        0
    ) <> ''
    or regexp_extract(
        nullif(lower(trim({{ text }})), ''),
        '@(example[.](com|net|org)|test[.].+|mailinator[.]com|yopmail[.]com|.+[.](test|invalid))$',
        0
    ) <> ''
{%- endmacro %}
