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

{# The key of an identifier, from its type and value: compact in the tables of identity, whose text
   (key_text) is what records and marts name it by. #}
{% macro identifier_key(type, value) -%}
    {{ compact_key(["'identifier'", type, value]) }}
{%- endmacro %}

{# The identifiers of a record as keys, each under the name of its type. #}
{% macro identifiers_as_keys() -%}
    {%- for type in identifier_types() %}
        case when {{ type }} is not null then {{ identifier_key("'" ~ type ~ "'", type) }} end
            as {{ type }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# The key of the edge between two identifiers, the smaller one first. #}
{% macro identity_edge_key(from_key, to_key) -%}
    {{ compact_key(["'identity_edge'", key_text(from_key), key_text(to_key)]) }}
{%- endmacro %}

{# The time of a record of a conformed family, and of its identifiers. #}
{% macro identity_record_time(record_kind, prefix='') -%}
    {%- set columns = {
        'crm_contact': ['created_at'],
        'crm_deal': ['created_at'],
        'survey_invitation': ['invited_at'],
        'survey_response': ['submitted_at', 'started_at', 'invited_at'],
        'service_case': ['created_at'],
        'service_contact': ['started_at'],
        'order': ['ordered_at'],
        'cart': ['started_at'],
        'contract': ['started_at'],
        'message': ['occurred_at'],
    }[record_kind] -%}
    {%- if columns | length == 1 -%}
    {{ prefix }}{{ columns[0] }}
    {%- else -%}
    coalesce({% for column in columns %}{{ prefix }}{{ column }}{{ ', ' if not loop.last }}{% endfor %})
    {%- endif -%}
{%- endmacro %}

{# The month of a record with a telephone number, which may change hands; null on all others. Records
   of one month have one owner: a number rests longer than that before it has the next. #}
{% macro identity_record_month(record_kind, prefix='') -%}
    case
        when {{ prefix }}phone_hash is not null
            then cast(cast(
                date_trunc('month', {{ identity_record_time(record_kind, prefix) }}) as date
            ) as string)
    end
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
    {%- if present is not mapping and 'phone_hash' in present -%}
        {%- do parts.append(identity_record_month(record_kind, prefix)) -%}
    {%- endif -%}
    {{ surrogate_key(parts) }}
{%- endmacro %}

{# The id of the customer whose oldest identifier has this key. Who was erased and has come back with
   the same identifier is a new customer: the time of the erasure makes the id another one. #}
{% macro customer_id(key) -%}
    {%- set returned = returned_identifiers() -%}
    {%- if returned -%}
    'c_' || substr(md5(
        {{ key_text(key) }} || case {{ key }}
            {%- for row in returned %}
            when '{{ row[0] }}' then '|{{ row[1] }}'
            {%- endfor %}
            else ''
        end
    ), 1, 20)
    {%- else -%}
    'c_' || substr(md5({{ key_text(key) }}), 1, 20)
    {%- endif -%}
{%- endmacro %}

{# Identifiers by which somebody erased has come back: their keys, with the time of the erasure. #}
{% macro returned_identifiers() -%}
    {%- set files = returned_files() if execute and flags.WHICH in ['run', 'build'] else none -%}
    {%- if not files -%}
        {{ return([]) }}
    {%- endif -%}
    {{ return(run_query(
        'select ' ~ identifier_key('identifier_type', 'identifier_value')
        ~ ' as identifier_key, cast(max(erased_at) as string) as erased_at from ' ~ files
        ~ ' group by identifier_type, identifier_value order by 1'
    ) | list) }}
{%- endmacro %}
