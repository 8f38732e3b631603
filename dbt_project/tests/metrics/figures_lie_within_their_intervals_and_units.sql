{# A figure outside its interval, a share outside 0–1, a withheld value that shows, or a missing one
   without a reason. #}
select *
from {{ ref('mart_journey_metrics') }}
where
    value < ci_low - 1e-9
    or value > ci_high + 1e-9
    or (unit = 'share' and (value < 0 or value > 1 or ci_low < 0 or ci_high > 1))
    or (unit = 'points' and (abs(value) > 100 or ci_low < -100 or ci_high > 100))
    or (is_suppressed and coalesce(value, ci_low, ci_high) is not null)
    or (value is null) <> (no_value_reason is not null)
    or n < 1
