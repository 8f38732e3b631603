{#- Written after what it is the state of, like int_raw_files_committed: of a run that fails before,
    the next finds the same customers changed. -#}
-- depends_on: {{ ref('int_stages_entered') }}
-- depends_on: {{ ref('int_journey_paths_followed') }}

select
    customer_id,
    way_hash
from {{ ref('int_customer_ways_hashed') }}
