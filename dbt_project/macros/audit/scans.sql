{#
    Which audited model judges which check, and how finely.

    A judged model has one row per thing examined (event, session, order, …), the columns source,
    sample_key, occurred_at, event_date, platform, subject, detail, page_path, device_category,
    browser, app_version, and one column per check: true = fails, false = passes,
    null = the rule does not apply to this row. `by` names the columns that split the check's
    findings; `weight` the column that says for how many rows a judged row stands; `extra` further
    columns that `by` uses.
#}
{% macro audit_scans() -%}
    {{ return({
        'int_audit_web_events_judged': {'extra': ['page_host'], 'checks': {
            'COL02': [],
            'COL03': ['platform'],
            'COL04': ['platform'],
            'COL05': ['detail=page_host'],
            'COL06': ['platform'],
            'SES01': ['platform'],
            'SES02': ['platform'],
            'SES05': ['platform'],
            'SES06': ['platform'],
            'SCH01': ['platform', 'subject'],
            'SCH03': ['platform', 'subject'],
            'SCH09': ['platform', 'subject', "detail='transaction_id'"],
            'GOL03': ['platform'],
            'GOL04': ['platform', 'subject'],
            'GOL05': ['platform', 'subject'],
            'GOL06': ['platform'],
            'GOL08': ['platform', 'subject'],
            'PRI01': ['platform'],
            'PRI02': ['platform'],
            'PRI03': ['platform'],
            'VOL05': ['platform'],
            'VOL06': ['platform'],
        }},
        'int_audit_param_values_judged': {'weight': 'row_count', 'checks': {
            'SCH05': ['detail'],
            'SCH06': ['platform', 'subject', 'detail'],
            'SCH07': ['platform', 'subject', 'detail'],
            'SCH08': ['subject', 'detail'],
            'SCH09': ['platform', 'subject', 'detail'],
            'PRI01': ['platform', 'subject', 'detail'],
        }},
        'int_audit_required_params_judged': {'weight': 'row_count', 'checks': {
            'SCH04': ['platform', 'subject', 'detail'],
        }},
        'int_audit_sessions_judged': {'checks': {
            'COL07': ['platform'],
            'SES03': ['platform'],
            'SES04': ['platform'],
            'SES08': ['platform'],
            'SES09': ['platform'],
            'GOL07': ['platform'],
            'ATT02': ['platform', 'detail'],
            'ATT03': ['platform'],
            'ATT04': ['platform'],
            'ATT05': ['platform'],
            'ATT06': ['platform'],
            'ATT07': ['platform'],
        }},
        'int_audit_web_users_judged': {'checks': {
            'SES06': [],
            'SES07': [],
        }},
        'int_audit_web_days_judged': {'checks': {
            'COL01': [],
            'COL08': ['platform', 'subject'],
            'SCH02': ['platform', 'subject'],
            'GOL01': ['subject'],
            'VOL02': ['platform', 'subject'],
            'PRI04': ['platform'],
        }},
        'int_audit_transactions_judged': {'checks': {
            'GOL02': ['platform'],
            'GOL10': ['platform'],
            'REC02': ['platform'],
            'REC04': ['platform'],
        }},
        'int_audit_orders_judged': {'checks': {
            'GOL09': [],
            'REC01': ['platform'],
            'REC03': ['detail'],
            'REC07': [],
            'CRM05': ['subject'],
            'CRM07': ['subject'],
        }},
        'int_audit_customer_records_judged': {'checks': {
            'CRM01': ['subject'],
            'CRM02': ['subject'],
            'CRM03': ['subject', 'detail'],
            'CRM05': ['subject'],
            'CRM06': ['subject'],
            'CRM08': ['subject'],
            'PRI05': ['subject'],
        }},
        'int_audit_survey_responses_judged': {'checks': {
            'REC06': ['subject'],
            'SUR01': ['subject', 'detail'],
            'SUR02': ['subject'],
            'SUR03': ['subject'],
            'SUR05': ['subject'],
        }},
    }) }}
{%- endmacro %}

{# Columns that locate a failing row; evidence is counted over them. #}
{% macro audit_evidence_columns() -%}
    {{ return(['subject', 'page_path', 'device_category', 'browser', 'app_version']) }}
{%- endmacro %}

{# Every flag of a model that unites several kinds of record: those given, null for the others. #}
{% macro audit_flags(flags, judged) -%}
    {%- for flag in flags -%}
        {{ judged[flag] if flag in judged else 'cast(null as boolean)' }} as {{ flag }}
        {{- ",\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# The column that fills one part of a check's scope. `detail=<expression>` in `by` splits by that
   expression instead of the model's own detail. #}
{% macro audit_scope_column(column, by) -%}
    {%- set found = [] -%}
    {%- for entry in by -%}
        {%- if entry == column %}{% do found.append(column) %}{% endif -%}
        {%- if column == 'detail' and entry.startswith('detail=') -%}
            {% do found.append(entry[7:]) %}
        {%- endif -%}
    {%- endfor -%}
    {{ found[0] if found else 'cast(null as ' ~ type_string() ~ ')' }}
{%- endmacro %}

{#
    Counts of every check of one judged model: one pass over the model, wide, then made long.
    Gives the CTEs <name>_measured and <name>_long.
#}
{% macro audit_measured(model, scan, name) -%}
    {%- set weight = scan.get('weight', '1') -%}
    {%- set checks = scan['checks'] -%}
    {%- set extra = scan.get('extra', []) -%}
{{ name }}_measured as (

    select
        source,
        platform,
        subject,
        detail,
        {%- for column in extra %}
        {{ column }},
        {%- endfor %}
        event_date,
        date_trunc('hour', occurred_at) as event_hour,
        {%- for check in checks %}
        {%- set flag = check | lower %}
        sum(case when {{ flag }} is not null then {{ weight }} end) as {{ flag }}_examined,
        sum(case when {{ flag }} then {{ weight }} else 0 end) as {{ flag }}_failing,
        min(case when {{ flag }} then occurred_at end) as {{ flag }}_first_at,
        max(case when {{ flag }} then occurred_at end) as {{ flag }}_last_at
        {{- "," if not loop.last }}
        {%- endfor %}
    from {{ ref(model) }}
    group by
        source,
        platform,
        subject,
        detail,
        {%- for column in extra %}
        {{ column }},
        {%- endfor %}
        event_date,
        date_trunc('hour', occurred_at)

),

{{ name }}_long as (

    {%- for check, by in checks.items() %}
    {%- set flag = check | lower %}
    select
        '{{ check }}' as check_id,
        '{{ model }}' as model_name,
        source,
        {{ audit_scope_column('platform', by) }} as platform,
        {{ audit_scope_column('subject', by) }} as subject,
        {{ audit_scope_column('detail', by) }} as detail,
        event_date,
        event_hour,
        {{ flag }}_examined as rows_examined,
        {{ flag }}_failing as rows_failing,
        {{ flag }}_first_at as first_failed_at,
        {{ flag }}_last_at as last_failed_at
    from {{ name }}_measured
    where {{ flag }}_examined > 0
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}

)
{%- endmacro %}

{# Failing rows of one judged model, long: one row per row and check it fails. #}
{% macro audit_failed(model, scan) -%}
    {%- for check, by in scan['checks'].items() %}
    {%- set flag = check | lower %}
    select
        '{{ check }}' as check_id,
        '{{ model }}' as model_name,
        source,
        {{ audit_scope_column('platform', by) }} as platform,
        {{ audit_scope_column('subject', by) }} as subject,
        {{ audit_scope_column('detail', by) }} as detail,
        event_date,
        occurred_at,
        sample_key,
        subject as row_subject,
        page_path,
        device_category,
        browser,
        app_version,
        {{ scan.get('weight', '1') }} as row_count
    from {{ ref(model) }}
    where {{ flag }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}
