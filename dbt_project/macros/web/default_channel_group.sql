{# Sites whose name in a source or referrer means a search, a social network, a shop or a video. #}
{% macro search_sites() -%}
    {{ return(['google', 'bing', 'yahoo', 'duckduckgo', 'ecosia', 'yandex', 'baidu', 'startpage',
               'qwant', 'brave', 'seznam', 'naver']) }}
{%- endmacro %}

{% macro social_sites() -%}
    {{ return(['facebook', 'instagram', 'linkedin', 'lnkd', 'twitter', 't.co', 'x.com', 'tiktok',
               'pinterest', 'reddit', 'snapchat', 'threads', 'whatsapp', 'telegram', 'quora',
               'groups.google', 'meta']) }}
{%- endmacro %}

{% macro shopping_sites() -%}
    {{ return(['amazon', 'ebay', 'etsy', 'hintaopas', 'vertaa', 'prisjakt', 'pricerunner',
               'idealo', 'mall.googleplex']) }}
{%- endmacro %}

{% macro video_sites() -%}
    {{ return(['youtube', 'vimeo', 'twitch', 'dailymotion', 'netflix']) }}
{%- endmacro %}

{# Whether a source is one of the sites: the name itself, or the name as a label of a host. #}
{% macro is_site(source, sites) -%}
    (
        {%- for site in sites %}
        {%- if '.' in site %}
        {{ source }} = '{{ site }}' or {{ source }} like '%.{{ site }}' or {{ source }} like '{{ site }}.%'
        {%- else %}
        {{ source }} = '{{ site }}' or {{ source }} like '{{ site }}.%' or {{ source }} like '%.{{ site }}.%'
        {%- endif %}
        {%- if not loop.last %} or{% endif %}
        {%- endfor %}
    )
{%- endmacro %}

{# The name under which a referring host is reported: the engine or network where it is one, so that
   www.google.fi and google are one source; else the host without its www. #}
{% macro site_name(host) -%}
    case
        {%- for site in search_sites() + social_sites() if '.' not in site %}
        when {{ is_site(host, [site]) }} then '{{ site }}'
        {%- endfor %}
        when {{ host }} like 'www.%' then substr({{ host }}, 5)
        else {{ host }}
    end
{%- endmacro %}

{# Default channel group of a session from its own source, medium and campaign (lower case), by the
   rules that GA4 documents, so that the groups can be compared with GA4's own reports. #}
{% macro default_channel_group(source, medium, campaign) -%}
    {%- set is_paid -%}
        ({{ medium }} like '%cp%' or {{ medium }} = 'ppc' or {{ medium }} = 'retargeting'
        or {{ medium }} like 'paid%')
    {%- endset -%}
    case
        -- nothing is known of where the visit came from
        when {{ source }} = '(direct)' and {{ medium }} in ('(none)', '(not set)')
            then 'Direct'
        -- Google runs these campaigns over all its networks at once
        when {{ campaign }} like '%cross-network%'
            then 'Cross-network'
        -- a shopping site, or a campaign named so, that was paid for
        when
            ({{ is_site(source, shopping_sites()) }} or {{ campaign }} like '%shopping%')
            and {{ is_paid }}
            then 'Paid Shopping'
        -- a search engine that was paid for
        when {{ is_site(source, search_sites()) }} and {{ is_paid }}
            then 'Paid Search'
        -- a social network that was paid for
        when {{ is_site(source, social_sites()) }} and {{ is_paid }}
            then 'Paid Social'
        -- a video site that was paid for
        when {{ is_site(source, video_sites()) }} and {{ is_paid }}
            then 'Paid Video'
        -- banners, by any of the names that are in use for them
        when {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm')
            then 'Display'
        -- paid, and no other rule says by whom
        when {{ is_paid }}
            then 'Paid Other'
        -- a shopping site that linked without pay
        when {{ is_site(source, shopping_sites()) }} or {{ campaign }} like '%shopping%'
            then 'Organic Shopping'
        -- a social network, or a medium that says so
        when
            {{ is_site(source, social_sites()) }}
            or {{ medium }} in (
                'social', 'social-network', 'social-media', 'sm', 'social network', 'social media'
            )
            then 'Organic Social'
        -- a video site, or a medium that says so
        when {{ is_site(source, video_sites()) }} or {{ medium }} like '%video%'
            then 'Organic Video'
        -- a search engine's own results
        when {{ is_site(source, search_sites()) }} or {{ medium }} = 'organic'
            then 'Organic Search'
        -- a letter to a mailbox
        when
            {{ source }} in ('email', 'e-mail', 'e_mail', 'e mail', 'newsletter', 'uutiskirje')
            or {{ medium }} in ('email', 'e-mail', 'e_mail', 'e mail', 'newsletter')
            then 'Email'
        -- a partner who is paid by result
        when {{ medium }} = 'affiliate'
            then 'Affiliates'
        -- a link on another site
        when {{ medium }} in ('referral', 'app', 'link')
            then 'Referral'
        -- sound
        when {{ medium }} = 'audio'
            then 'Audio'
        -- a text message
        when {{ source }} = 'sms' or {{ medium }} = 'sms'
            then 'SMS'
        -- a notice on the telephone's screen
        when {{ medium }} like '%push' or {{ medium }} like '%mobile%' or {{ source }} = 'firebase'
            then 'Mobile Push Notifications'
        else 'Unassigned'
    end
{%- endmacro %}
