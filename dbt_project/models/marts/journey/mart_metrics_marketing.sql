{{ written_by_difference() }}
{{ wide_metrics([
    'conversion',
    'conversion_rate',
    'conversion_newsletter',
    'conversion_loyalty',
    'conversion_account',
    'conversion_app_download',
    'conversion_checkout',
    'conversion_cart',
    'click_through',
    'acquisition_cost',
    'programme_return',
    'search_landing_engagement',
    'search_landing_consideration',
]) }}
