with

metrics as (

    select * from {{ ref('metric_catalogue') }}

),

families as (

    select
        family,
        sum(row_count) as row_count
    from {{ ref('int_conformed_rows_counted') }}
    group by family

),

-- family names are words in a list, matched with their blanks so that none is part of another
families_needed as (

    select
        metrics.metric_id,
        needed.family,
        coalesce(families.row_count, 0) as row_count
    from metrics
    inner join (
        {%- set kinds = var('conformed_kinds').values() | sum(start=[]) %}
        {% for family in (var('conformed') | list) + kinds -%}
        select '{{ family }}' as family
        {{ "union all " if not loop.last }}
        {%- endfor %}
    ) as needed
        on ' ' || metrics.sources_needed || ' ' like '% ' || needed.family || ' %'
    left join families on needed.family = families.family

),

-- a family that no vendor of this warehouse can bring is missing too
connections as (

    select
        metrics.metric_id,
        min(case when families_needed.row_count = 0 then families_needed.family end)
            as first_missing_family,
        length(metrics.sources_needed)
        - length(replace(metrics.sources_needed, ' ', '')) + 1
        - sum(case when families_needed.row_count > 0 then 1 else 0 end) as missing_family_count
    from metrics
    left join families_needed on metrics.metric_id = families_needed.metric_id
    group by metrics.metric_id, metrics.sources_needed

),

record_sets as (

    select
        record_set,
        count(*) as observation_count,
        count(distinct customer_id) as customer_count,
        min(occurred_date) as first_observed_date,
        max(occurred_date) as last_observed_date
    from {{ ref('int_metric_records') }}
    group by record_set
    union all
    -- alpha is computed from items, not from one number per response
    select
        metrics.metric_id as record_set,
        count(distinct items.survey_response_key) as observation_count,
        count(distinct coalesce(items.customer_id, items.survey_response_key)) as customer_count,
        min(items.occurred_date) as first_observed_date,
        max(items.occurred_date) as last_observed_date
    from {{ ref('int_exq_items_observed') }} as items
    cross join metrics
    where metrics.estimator = 'alpha'
    group by metrics.metric_id
    union all
    -- by topic and menu choice alone
    select
        'top_requests' as record_set,
        count(*) as observation_count,
        count(distinct coalesce(customer_id, contact_key)) as customer_count,
        min(contact_date) as first_observed_date,
        max(contact_date) as last_observed_date
    from {{ ref('int_service_contacts_judged') }}
    where not is_passed_on

),

observations as (

    select
        metrics.metric_id,
        record_sets.observation_count,
        record_sets.customer_count,
        record_sets.first_observed_date,
        record_sets.last_observed_date
    from metrics
    inner join record_sets on {{ counted_record_set('metrics') }} = record_sets.record_set

),

cells as (

    select
        metric_id,
        count(*) as cell_count,
        sum(case when is_suppressed then 1 else 0 end) as suppressed_cell_count
    from {{ ref('int_journey_metrics_computed') }}
    group by metric_id
    union all
    select
        metric_id,
        count(*) as cell_count,
        sum(case when is_suppressed then 1 else 0 end) as suppressed_cell_count
    from {{ ref('mart_service_performance') }}
    where metric_id = 'top_requests'
    group by metric_id

),

final as (

    select
        metrics.metric_id,
        case
            when cells.metric_id is not null then 'published'
            when connections.missing_family_count > 0 then 'source_not_connected'
            else 'no_records'
        end as status,
        case
            when cells.metric_id is not null then 'Published.'
            when connections.missing_family_count > 0
                then
                    'No connected source brings '
                    || coalesce(
                        connections.first_missing_family,
                        -- none of the families that there are: one that no vendor brings
                        case
                            when metrics.sources_needed like '% %'
                                then 'all of: ' || metrics.sources_needed
                            else metrics.sources_needed
                        end
                    )
                    || case
                        when connections.missing_family_count > 1
                            then
                                ', nor ' || cast(connections.missing_family_count - 1 as string)
                                || ' more of: ' || metrics.sources_needed
                        else ''
                    end || '.'
            when metrics.answer_metric_id is not null
                then
                    'No answer was given to a question that measures it on its scale ('
                    || cast(metrics.scale_min as string) || '–'
                    || cast(metrics.scale_max as string) || ', see survey_questions).'
            else
                'Sources are connected, but no record meets the definition: '
                || metrics.formula || '.'
        end as reason,
        metrics.sources_needed,
        coalesce(observations.observation_count, 0) as observation_count,
        coalesce(observations.customer_count, 0) as customer_count,
        observations.first_observed_date,
        observations.last_observed_date,
        coalesce(cells.cell_count, 0) as cell_count,
        cast(coalesce(cells.suppressed_cell_count, 0) as bigint) as suppressed_cell_count
    from metrics
    left join connections on metrics.metric_id = connections.metric_id
    left join observations on metrics.metric_id = observations.metric_id
    left join cells on metrics.metric_id = cells.metric_id

)

select * from final
