{{ written_by_difference() }}
{#- The families that metrics are observed in: a new family is one model and one name here. Visits
    as such are not among them (int_visits_observed): they are most of all records, and read from
    the visits sooner than from a table of their own. -#}
{%- set families = [
    'int_survey_scores_observed',
    'int_womi_observed',
    'int_exq_observed',
    'int_invitations_observed',
    'int_sessions_observed',
    'int_tasks_observed',
    'int_orders_observed',
    'int_programme_observed',
    'int_carts_observed',
    'int_content_observed',
    'int_service_observed',
    'int_other_sources_observed',
] -%}
with

final as (

    {% for family in families -%}
    {{ observations_of(family) }}
    {% if not loop.last %}
    union all

    {% endif %}
    {%- endfor %}

)

select * from final
