{# Channel of a sale by the name that a shop system gives its origin. An origin that is not known is
   one more web shop front (marketplaces, draft orders made for a customer). #}
{% macro sales_channel(origin) -%}
    case
        when lower({{ origin }}) in ('pos', 'store', 'retail') then 'store'
        when lower({{ origin }}) in ('app', 'iphone', 'ios', 'android', 'mobile_app') then 'app'
        else 'web'
    end
{%- endmacro %}
