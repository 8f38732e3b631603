{# The types of identifier that a record may carry, strongest first; identity_rules holds their
   limits. Each is a column of the conformed families. #}
{% macro identifier_types() -%}
    {{ return([
        'contact_id', 'user_id', 'loyalty_id', 'customer_ref', 'email_hash', 'phone_hash',
        'client_id',
    ]) }}
{%- endmacro %}

{# The value of an identifier on a record. A shop's customer number is unique within its shop only.
   Landing has normalised and hashed addresses and numbers, so that only outer spaces are left. #}
{% macro identifier_value(type, source='source', value=none) -%}
    {%- if type == 'customer_ref' -%}
    {{ source }} || ':' || nullif(trim({{ value or type }}), '')
    {%- else -%}
    nullif(trim({{ value or type }}), '')
    {%- endif -%}
{%- endmacro %}

{# Key of one combination of identifiers on one kind of record: what a fact joins on to find its
   customer. `present` lists the identifier columns that the record has, or maps them to
   expressions. #}
{% macro identity_record_key(record_kind, present, source='source', prefix='') -%}
    {%- set parts = [source, "'identity_record'", "'" ~ record_kind ~ "'"] -%}
    {%- for type in identifier_types() -%}
        {%- if type not in present -%}
            {%- do parts.append('null') -%}
        {%- elif present is mapping -%}
            {%- do parts.append(present[type]) -%}
        {%- else -%}
            {%- do parts.append(prefix ~ type) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ surrogate_key(parts) }}
{%- endmacro %}

{# The id of the customer whose oldest identifier has this key. #}
{% macro customer_id(identifier_key) -%}
    'c_' || substr(md5({{ identifier_key }}), 1, 20)
{%- endmacro %}
