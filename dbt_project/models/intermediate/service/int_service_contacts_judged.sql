with

logged as (

    select * from {{ ref('fct_service_contacts') }}

),

cases as (

    select * from {{ ref('fct_service_cases') }}
    where created_at is not null and not is_deleted

),

hours as (

    select * from {{ ref('int_service_hours_elapsed') }}

),

orders as (

    select * from {{ ref('fct_orders') }}
    where is_counted and customer_id is not null

),

touchpoints as (

    select * from {{ ref('fct_touchpoints') }}
    where source_kind in ('service_contact', 'service_case')

),

-- A letter or a form is a contact that nobody logged but the help desk itself.
unlogged_cases as (

    select cases.*
    from cases
    left join logged on cases.service_case_key = logged.service_case_key
    where logged.service_case_key is null

),

contacts as (

    select
        service_contact_key as contact_key,
        service_case_key,
        'service_contact' as source_kind,
        customer_id,
        channel,
        topic,
        menu_choice,
        agent_id,
        team_id,
        started_at,
        wait_seconds,
        handle_seconds,
        outcome,
        coalesce(is_transferred, false) as is_transferred,
        begins_with_machine,
        coalesce(outcome = 'contained', false) as is_contained,
        -- the menu passed the call on: the call itself is another record
        channel = 'ivr' and coalesce(outcome = 'transferred', false) as is_passed_on
    from logged
    where started_at is not null and coalesce(direction, 'inbound') = 'inbound'
    union all
    select
        service_case_key as contact_key,
        service_case_key,
        'service_case' as source_kind,
        customer_id,
        channel,
        topic,
        cast(null as string) as menu_choice,
        agent_id,
        team_id,
        created_at as started_at,
        cast(null as double) as wait_seconds,
        cast(null as double) as handle_seconds,
        cast(null as string) as outcome,
        false as is_transferred,
        false as begins_with_machine,
        false as is_contained,
        false as is_passed_on
    from unlogged_cases

),

matters as (

    select
        contact_key,
        lag(started_at) over (
            partition by customer_id, coalesce(topic, '') order by started_at, contact_key
        ) as previous_at,
        lead(started_at) over (
            partition by customer_id, coalesce(topic, '') order by started_at, contact_key
        ) as next_at
    from contacts
    where customer_id is not null and not is_passed_on

),

-- Calls and bought orders of one customer in their order: the next order after each contact.
customer_moments as (

    select
        contact_key,
        customer_id,
        started_at as moment_at,
        cast(null as timestamp) as ordered_at
    from contacts
    where customer_id is not null
    union all
    select
        cast(null as string) as contact_key,
        customer_id,
        ordered_at as moment_at,
        ordered_at
    from orders

),

next_orders as (

    select
        contact_key,
        min(ordered_at) over (
            partition by customer_id order by moment_at desc
            range between unbounded preceding and current row
        ) as next_ordered_at
    from customer_moments

),

known as (

    select
        greatest(
            (select max(contacts.started_at) from contacts),
            (select max(orders.ordered_at) from orders)
        ) as last_known_at,
        {{ metric_setting('contact_window_days') }} * 86400 as contact_window_seconds,
        {{ metric_setting('sales_window_days') }} * 86400 as sales_window_seconds

),

final as (

    select
        contacts.contact_key,
        contacts.service_case_key,
        contacts.customer_id,
        {{ local_date('contacts.started_at') }} as contact_date,
        contacts.started_at,
        case when contacts.channel = 'ivr' then 'phone' else contacts.channel end as channel,
        touchpoints.journey_stage,
        touchpoints.touchpoint_id,
        contacts.topic,
        contacts.menu_choice,
        contacts.agent_id,
        contacts.team_id,
        contacts.wait_seconds,
        contacts.handle_seconds,
        coalesce(contacts.outcome = 'abandoned', false) as is_abandoned,
        contacts.is_transferred,
        contacts.begins_with_machine,
        contacts.is_contained,
        contacts.is_passed_on,
        -- what became of a matter is known when the window has passed
        case
            when
                matters.contact_key is not null
                and coalesce(
                    {{ seconds_between('matters.previous_at', 'contacts.started_at') }}
                    > known.contact_window_seconds,
                    true
                )
                and {{ seconds_between('contacts.started_at', 'known.last_known_at') }}
                >= known.contact_window_seconds
                then
                    case
                        when
                            coalesce(contacts.outcome = 'abandoned', false)
                            or coalesce(
                                {{ seconds_between('contacts.started_at', 'matters.next_at') }}
                                <= known.contact_window_seconds,
                                false
                            )
                            then 0
                        else 1
                    end
        end as is_resolved_at_first,
        case
            when
                contacts.customer_id is not null
                and {{ seconds_between('contacts.started_at', 'known.last_known_at') }}
                >= known.sales_window_seconds
                then
                    case
                        when
                            {{ seconds_between(
                                'contacts.started_at', 'next_orders.next_ordered_at'
                            ) }} <= known.sales_window_seconds
                            then 1
                        else 0
                    end
        end as has_sale,
        hours.response_open_seconds,
        hours.is_response_pending,
        hours.solution_open_seconds,
        hours.is_solution_pending
    from contacts
    cross join known
    left join matters on contacts.contact_key = matters.contact_key
    left join next_orders on contacts.contact_key = next_orders.contact_key
    left join hours on contacts.service_case_key = hours.service_case_key
    left join touchpoints
        on
            contacts.source_kind = touchpoints.source_kind
            and contacts.contact_key = touchpoints.record_key

)

select * from final
