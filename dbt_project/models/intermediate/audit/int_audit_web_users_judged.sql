with

user_days as (

    select * from {{ ref('int_audit_user_days_counted') }}

),

users_by_day as (

    select
        source,
        user_id,
        event_date,
        count(distinct client_id) as client_count,
        max(last_seen_at) as last_seen_at
    from user_days
    group by source, user_id, event_date

),

clients_of_users as (

    select
        source,
        user_id,
        count(distinct client_id) as client_count
    from user_days
    group by source, user_id

),

users as (

    select
        users_by_day.source,
        users_by_day.user_id,
        max(users_by_day.event_date) as event_date,
        max(users_by_day.client_count) as most_clients_in_a_day,
        max(clients_of_users.client_count) as client_count,
        max(users_by_day.last_seen_at) as last_seen_at
    from users_by_day
    inner join clients_of_users
        on
            users_by_day.source = clients_of_users.source
            and users_by_day.user_id = clients_of_users.user_id
    group by users_by_day.source, users_by_day.user_id

),

judged as (

    select
        source,
        {{ surrogate_key(['source', 'user_id']) }} as sample_key,
        last_seen_at as occurred_at,
        event_date,
        cast(null as {{ type_string() }}) as platform,
        'user' as subject,
        cast(null as {{ type_string() }}) as detail,
        cast(null as {{ type_string() }}) as page_path,
        cast(null as {{ type_string() }}) as device_category,
        cast(null as {{ type_string() }}) as browser,
        cast(null as {{ type_string() }}) as app_version,
        most_clients_in_a_day > 20 as ses06,
        client_count > 10 as ses07
    from users

)

select * from judged
