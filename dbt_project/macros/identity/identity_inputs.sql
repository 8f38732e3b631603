{# What is told of an input, and written down for the next run. #}
{% macro identity_input_columns() -%}
    {{ return(
        ['identity_record_key', 'source', 'record_kind', 'is_record']
        + identifier_types()
        + ['identifier_count', 'first_seen_at', 'last_seen_at', 'record_count', 'record_hash']
    ) }}
{%- endmacro %}

{# All that decides who is whose, besides the reference tables, in one shape and with a key by which
   two runs are compared: the records that carry identifiers; both contacts of each merge of the
   CRM; the addresses that it calls bad. The last two are no records: `is_record` is false, and
   what they change reaches the neighbours of the identifier that they name. `records` are the
   rows of int_identity_records_tenured that are wanted, all by default. #}
{% macro identity_inputs(records=none) -%}
    {%- set types = identifier_types() -%}
    {{ identity_inputs_of_records(records) }}
    {%- for side in ['surviving_contact_id', 'merged_contact_id'] %}
    union all
    select
        {{ surrogate_key([
            "'identity_merge'", "'" ~ side ~ "'", 'source', 'surviving_contact_id',
            'merged_contact_id', 'merged_at', 'unmerged_at',
        ]) }} as identity_record_key,
        source,
        'merge' as record_kind,
        false as is_record,
        trim({{ side }}) as contact_id,
        {%- for type in types[1:] %}
        cast(null as string) as {{ type }},
        {%- endfor %}
        1 as identifier_count,
        merged_at as first_seen_at,
        unmerged_at as last_seen_at,
        count(*) as record_count,
        null as record_hash,
        cast(null as string) as collected_record_key
    from {{ ref('int_crm_merges_unioned') }}
    group by source, surviving_contact_id, merged_contact_id, merged_at, unmerged_at
    {%- endfor %}
    union all
    select
        {{ surrogate_key(["'identity_bad_address'", 'email_hash', 'block_reason']) }}
            as identity_record_key,
        block_reason as source,
        'bad_address' as record_kind,
        false as is_record,
        {%- for type in types %}
        {{ 'email_hash' if type == 'email_hash' else 'cast(null as string) as ' ~ type }},
        {%- endfor %}
        1 as identifier_count,
        cast(null as timestamp) as first_seen_at,
        cast(null as timestamp) as last_seen_at,
        1 as record_count,
        null as record_hash,
        cast(null as string) as collected_record_key
    from (
        {{ bad_addresses() }}
    ) as addresses
{%- endmacro %}

{# The records among these inputs. #}
{% macro identity_inputs_of_records(records=none) -%}
    select
        tenured.identity_input_key as identity_record_key,
        tenured.source,
        tenured.record_kind,
        true as is_record,
        {%- for type in identifier_types() %}
        tenured.{{ type }},
        {%- endfor %}
        tenured.identifier_count,
        tenured.first_seen_at,
        tenured.last_seen_at,
        tenured.record_count,
        {{ collected_record_hash('tenured.') }} as record_hash,
        tenured.identity_record_key as collected_record_key
    from {{ records or ref('int_identity_records_tenured') }} as tenured
{%- endmacro %}

{# The state of a collected record: what differs_from asks of an input, in one number. #}
{% macro collected_record_hash(prefix='') -%}
    {{ row_hash([
        prefix ~ 'identity_record_key', prefix ~ 'first_seen_at', prefix ~ 'last_seen_at',
        prefix ~ 'record_count',
    ]) }}
{%- endmacro %}

{# Addresses that the CRM calls invalid or a test, with the reason: they join nobody. #}
{% macro bad_addresses() -%}
    select
        email_hash,
        case
            when bool_or(is_test_address) then 'Test address by the CRM'
            else 'Invalid address by the CRM'
        end as block_reason
    from {{ ref('int_crm_contacts_unioned') }}
    where
        email_hash is not null
        and (coalesce(is_test_address, false) or not coalesce(is_email_valid, true))
    group by email_hash
{%- endmacro %}

{# What identity was computed from last time (int_identity_inputs_applied), where an increment can
   build on it; null where there is none, and on Spark. The models below are one another's state:
   where one of them is missing, or a run broke off between the first and the last, all are dropped,
   so that each is computed anew from what stands today. Whoever only compiles drops nothing. #}
{% macro identity_inputs_before() -%}
    {%- set names = [
        'int_identity_inputs_applied', 'int_touched_identity_inputs',
        'int_touched_collected_records', 'int_identifier_tenures', 'int_identifiers_observed',
        'int_identity_edges', 'int_identity_groups_joined', 'int_identity_components',
        'int_identifiers_resolved', 'int_identity_records_resolved', 'int_identifiers_moved',
    ] -%}
    {%- set built = [] -%}
    {%- for name in names -%}
        {%- set relation = relation_built_before(name, even_on_full_refresh=true) -%}
        {%- if relation -%}{%- do built.append(relation) -%}{%- endif -%}
    {%- endfor -%}
    {%- if
        built | length == names | length
        and not flags.FULL_REFRESH
        and is_last_increment_whole(*built[:3])
    -%}
        {{ return(built[0]) }}
    {%- endif -%}
    {%- for relation in built if flags.WHICH in ['run', 'build'] -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endfor -%}
{%- endmacro %}

{# Whether what the first models of the last run found is what the last model of it wrote down. #}
{% macro is_last_increment_whole(applied, touched, collected) -%}
    {%- set missed = run_query(
        'select 1 from ' ~ collected ~ ' as collected left join ' ~ applied ~ ' as applied'
        ~ ' on collected.record_hash = applied.record_hash'
        ~ ' where (applied.record_hash is not null) <> collected.is_present limit 1'
    ) -%}
    {%- set missed = missed or run_query(
        'select 1 from ' ~ touched ~ ' as touched left join ' ~ applied ~ ' as applied'
        ~ ' on touched.identity_record_key = applied.identity_record_key'
        ~ ' where (applied.identity_record_key is not null) <> touched.is_present'
        ~ ' or touched.is_present and '
        ~ differs_from('touched', 'applied') ~ ' limit 1'
    ) -%}
    {{ return(missed | length == 0) }}
{%- endmacro %}

{# Whether two rows of one input tell different things; its key says the rest. #}
{% macro differs_from(one, other) -%}
    (
        {{ one }}.first_seen_at is distinct from {{ other }}.first_seen_at
        or {{ one }}.last_seen_at is distinct from {{ other }}.last_seen_at
        or {{ one }}.record_count is distinct from {{ other }}.record_count
    )
{%- endmacro %}

{# Whether a row carries an identifier that a model of touched identifiers lists. #}
{% macro carries_touched_identifier(touched, types=none) -%}
    (
        {%- for type in types or identifier_types() %}
        {{ 'or ' if not loop.first }}{{ type }} in (
            select identifier_value from {{ touched }} where identifier_type = '{{ type }}'
        )
        {%- endfor %}
    )
{%- endmacro %}

{# The identifiers of rows in the shape of identity_inputs(), one row each. #}
{% macro identifiers_of(rows) -%}
    {%- for type in identifier_types() %}
    select
        '{{ type }}' as identifier_type,
        {{ type }} as identifier_value
    from {{ rows }}
    where {{ type }} is not null
    {{ 'union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Whether an increment looks at an identifier's row; everything does that builds from scratch. #}
{% macro is_touched(column, touched='int_touched_customer_identifiers') -%}
    {{ column }} in (select identifier_key from {{ ref(touched) }})
{%- endmacro %}
