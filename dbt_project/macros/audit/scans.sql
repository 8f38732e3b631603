{#
    Which audited model judges which check, and how finely.

    A judged model has one row per thing examined (event, session, order, …), the columns source,
    sample_key, occurred_at, event_date, platform, subject, detail, page_path, device_category,
    browser, app_version, and one column per check: true = fails, false = passes,
    null = the rule does not apply to this row. `by` names the columns that split the check's
    findings; `weight` the column that says for how many rows a judged row stands; `extra` further
    columns that `by` uses.

    `by_day`: the model judges the days of this run alone, and three incremental models keep what
    all days came to: <by_day>_measured, <by_day>_exemplified and <by_day>_located.
#}
{% macro audit_scans() -%}
    {{ return({
        'int_audit_web_events_judged': {
            'by_day': 'int_audit_web_events', 'extra': ['page_host'], 'checks': {
            'COL02': [],
            'COL03': ['platform'],
            'COL04': ['platform'],
            'COL05': ['detail=page_host'],
            'COL06': ['platform'],
            'SES01': ['platform'],
            'SES02': ['platform'],
            'SES05': ['platform'],
            'SES06': ['platform'],
            'SCH09': ['platform', 'subject', "detail='transaction_id'"],
            'GOL03': ['platform'],
            'GOL04': ['platform', 'subject'],
            'GOL05': ['platform', 'subject'],
            'GOL06': ['platform'],
            'PRI01': ['platform'],
            'PRI02': ['platform'],
            'PRI03': ['platform'],
            'VOL05': ['platform'],
            'VOL06': ['platform'],
        }},
        'int_audit_event_names_judged': {'weight': 'row_count', 'checks': {
            'SCH01': ['platform', 'subject'],
            'SCH03': ['platform', 'subject'],
        }},
        'int_audit_session_goals_judged': {'checks': {
            'GOL08': ['platform', 'subject'],
        }},
        'int_audit_param_values_judged': {'weight': 'row_count', 'checks': {
            'SCH05': ['detail'],
            'SCH06': ['platform', 'subject', 'detail'],
            'SCH07': ['platform', 'subject', 'detail'],
            'SCH08': ['subject', 'detail'],
            'SCH09': ['platform', 'subject', 'detail'],
            'SCH10': ['platform', 'subject', 'detail'],
            'SCH13': ['platform', 'subject', 'detail'],
            'PRI01': ['platform', 'subject', 'detail'],
        }},
        'int_audit_required_params_judged': {'weight': 'row_count', 'checks': {
            'SCH04': ['platform', 'subject', 'detail'],
        }},
        'int_audit_user_properties_judged': {'weight': 'row_count', 'checks': {
            'SCH06': ['platform', 'subject', 'detail'],
            'SCH07': ['platform', 'subject', 'detail'],
            'SCH11': ['platform', 'detail'],
            'PRI01': ['platform', 'subject', 'detail'],
        }},
        'int_audit_sessions_judged': {'checks': {
            'COL07': ['platform'],
            'SES03': ['platform'],
            'SES04': ['platform'],
            'SES08': ['platform'],
            'SES09': ['platform'],
            'GOL07': ['platform'],
            'ATT01': ['platform'],
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
            'PRI04': ['platform'],
            'VOL03': ['platform'],
            'VOL04': [],
        }},
        'int_audit_volumes_judged': {'checks': {
            'VOL02': ['platform', 'subject', 'detail'],
        }},
        'int_audit_app_versions_judged': {'checks': {
            'SCH12': ['platform', 'subject', 'detail'],
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
            'CRM04': ['subject'],
            'CRM05': ['subject'],
            'CRM06': ['subject'],
            'CRM08': ['subject'],
            'PRI05': ['subject'],
            'REC05': ['subject'],
            'REC08': [],
        }},
        'int_audit_campaigns_judged': {'checks': {
            'COL09': ['detail'],
            'REC09': ['detail'],
            'ATT08': ['subject', 'detail'],
        }},
        'int_audit_survey_responses_judged': {'checks': {
            'REC06': ['subject'],
            'SUR01': ['subject', 'detail'],
            'SUR02': ['subject'],
            'SUR03': ['subject'],
            'SUR04': ['subject'],
            'SUR05': ['subject'],
            'SUR06': ['subject', 'detail'],
            'SUR07': ['subject', 'detail'],
            'SUR08': ['subject'],
            'SUR09': ['subject', 'detail'],
        }},
        'int_audit_other_records_judged': {'checks': {
            'OTH01': ['subject'],
            'OTH02': ['subject'],
            'OTH03': ['subject'],
            'OTH04': ['subject', 'detail'],
            'OTH05': ['subject'],
            'OTH06': ['subject', 'detail'],
            'OTH07': ['subject'],
            'OTH08': ['subject'],
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
    {%- set days = ['partition_date', 'event_date'] if 'by_day' in scan else ['event_date'] -%}
    {%- set weight = scan.get('weight', '1') -%}
    {%- set checks = scan['checks'] -%}
    {%- set extra = scan.get('extra', []) -%}
{{ name }}_measured as (

    select
        source,
        platform,
        subject,
        detail,
        {%- for column in extra + days %}
        {{ column }},
        {%- endfor %}
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
        {%- for column in extra + days %}
        {{ column }},
        {%- endfor %}
        date_trunc('hour', occurred_at)

),

-- each count row once for every check: as many queries over it would compute it as often
{{ name }}_by_check as (

    select
        *,
        {{ nested_element("split('" ~ checks | join(',') ~ "', ',')") }} as check_id
    from {{ name }}_measured

),

{{ name }}_long as (

    select
        check_id,
        '{{ model }}' as model_name,
        source,
        {%- for column in ['platform', 'subject', 'detail'] %}
        {{ audit_scope_of_checks(column, checks) }} as {{ column }},
        {%- endfor %}
        {%- for column in days %}
        {{ column }},
        {%- endfor %}
        event_hour,
        {%- for count, column in {
            'examined': 'rows_examined',
            'failing': 'rows_failing',
            'first_at': 'first_failed_at',
            'last_at': 'last_failed_at',
        }.items() %}
        {{ audit_count_of_check(count, checks) }} as {{ column }}
        {{- "," if not loop.last }}
        {%- endfor %}
    from {{ name }}_by_check
    where {{ audit_count_of_check('examined', checks) }} > 0

)
{%- endmacro %}

{# A count of the check that a row is of. #}
{% macro audit_count_of_check(count, checks) -%}
    case check_id
        {%- for check in checks %}
            when '{{ check }}' then {{ check | lower }}_{{ count }}
        {%- endfor %}
        end
{%- endmacro %}

{# One part of the scope of the check that a row is of: null where the check is not split by it. #}
{% macro audit_scope_of_checks(column, checks) -%}
    {%- set nothing = audit_scope_column(column, []) -%}
    {%- set checks_by = {} -%}
    {%- for check, by in checks.items() -%}
        {%- do checks_by.setdefault(audit_scope_column(column, by), []).append(check) -%}
    {%- endfor -%}
    {%- do checks_by.pop(nothing, none) -%}
    {%- if checks_by -%}
    case
            {%- for expression, those in checks_by.items() %}
            when check_id in ('{{ those | join("', '") }}') then {{ expression }}
            {%- endfor %}
        end
    {%- else -%}
    {{ nothing }}
    {%- endif -%}
{%- endmacro %}

{# Failing rows of one judged model, long: one row per row and check it fails. #}
{% macro audit_failed(model, scan) -%}
    {%- set days = ['partition_date', 'event_date'] if 'by_day' in scan else ['event_date'] -%}
    {%- for check, by in scan['checks'].items() %}
    {%- set flag = check | lower %}
    select
        '{{ check }}' as check_id,
        '{{ model }}' as model_name,
        source,
        {{ audit_scope_column('platform', by) }} as platform,
        {{ audit_scope_column('subject', by) }} as subject,
        {{ audit_scope_column('detail', by) }} as detail,
        {%- for column in days %}
        {{ column }},
        {%- endfor %}
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

{# How many failing rows of one day and place are kept as examples. #}
{% macro audit_most_examples() -%}
    20
{%- endmacro %}

{# Rows of a judged model that fail, numbered as examples of their check, place and day. Which serve
   depends on their keys alone, so that two engines show the same. #}
{% macro audit_examples_ranked(failed, day) -%}
    select
        *,
        row_number() over (
            partition by check_id, model_name, source, platform, subject, detail, {{ day }}
            order by sample_key
        ) as sample_number
    from {{ failed }}
{%- endmacro %}

{# Failing rows counted by every column that locates them. `day` keeps them apart by vendor's day. #}
{% macro audit_evidence_located(failed, day=none) -%}
    {%- set kept = (day ~ ',') if day else '' -%}
    {%- for column in audit_evidence_columns() %}
    {%- set value = 'row_subject' if column == 'subject' else column %}
    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        {{ kept }}
        '{{ column }}' as evidence_column,
        {{ value }} as evidence_value,
        cast(sum(row_count) as bigint) as rows_failing
    from {{ failed }}
    where {{ value }} is not null
    group by check_id, model_name, source, platform, subject, detail, {{ kept }} {{ value }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}

{#
    Hours are kept only on days with failures: they locate a defect's start, and hours without any
    would make the table as long as the events. `day` is the day within which that is decided.
#}
{% macro audit_hours_folded(long, days) -%}
    select
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        {{ days | join(', ') }},
        case when has_failures then event_hour end as event_hour,
        cast(sum(rows_examined) as bigint) as rows_examined,
        cast(sum(rows_failing) as bigint) as rows_failing,
        min(first_failed_at) as first_failed_at,
        max(last_failed_at) as last_failed_at
    from (
        select
            *,
            sum(rows_failing) over (
                partition by
                    check_id, model_name, source, platform, subject, detail, {{ days | join(', ') }}
            ) > 0 as has_failures
        from {{ long }}
    ) as marked
    group by
        check_id,
        model_name,
        source,
        platform,
        subject,
        detail,
        {{ days | join(', ') }},
        case when has_failures then event_hour end
{%- endmacro %}

{# The name that a judged model's steps have within a query. #}
{% macro audit_scan_name(model) -%}
    {{ model | replace('int_audit_', '') | replace('_judged', '') }}
{%- endmacro %}

{# Whether a model that looks at the days of this run may leave the others out: only if all that is
   kept of them is there. #}
{% macro audit_days_are_kept(keepers) -%}
    {%- for keeper in keepers -%}
        {%- if not relation_built_before(keeper, on_spark=true) -%}
            {{ return(false) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(true) }}
{%- endmacro %}

{# What keeps what a model that judges the days of this run found on them. #}
{% macro audit_keepers(by_day) -%}
    {{ return([by_day ~ '_measured', by_day ~ '_exemplified', by_day ~ '_located']) }}
{%- endmacro %}

{# What is kept of all days must not be built anew from the days of one run. Where `daily` need not
   have every day on which something happened, those that were kept of it are looked for. #}
{% macro audit_days_kept(daily, has_every_day=true) -%}
    {{ rebuilt_by('partition_date', 'int_touched_web_days') }}
    {%- if execute and not is_incremental() and flags.FULL_REFRESH -%}
        {%- set kept = relation_built_before(
            model.name, even_on_full_refresh=true, on_spark=true
        ) -%}
        {%- set expected -%}
            select partition_date from {{ ref('int_web_events_landed') }}
            {%- if not has_every_day %}
            intersect
            select partition_date from {{ kept or ref(daily) }}
            {%- endif -%}
        {%- endset -%}
        {%- set missing = run_query(
            'select count(*) from (' ~ expected ~ ' except select partition_date from '
            ~ ref(daily) ~ ') as missing'
        ) -%}
        {%- if missing.rows and missing.rows[0][0] > 0 -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ' cannot be built from scratch alone: ' ~ daily ~ ' holds the days of'
                ~ ' the last run. Build both: --full-refresh --select ' ~ daily ~ '+1'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
