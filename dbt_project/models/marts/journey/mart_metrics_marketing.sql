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
    'search_landing_engagement',
    'search_landing_consideration',
]) }}
