"""Universal Analytics: the BigQuery export of the property's history, one row a session.

Hits are nested in the session, products in the hit; amounts are in millionths. The vendor stopped
collecting in 2023, so these files are history. Of the hit, everything is kept but AdSense and Ad
Manager figures (`publisher`, `publisher_infos`) and page timings (`latencyTracking`).
"""

from __future__ import annotations

from orchestration.ingestion.specs import Column, FileRule, People, TableSpec, VendorSpec

_TOTALS = (
    "STRUCT(visits BIGINT, hits BIGINT, pageviews BIGINT, timeOnSite BIGINT, bounces BIGINT, "
    "transactions BIGINT, transactionRevenue BIGINT, newVisits BIGINT, screenviews BIGINT, "
    "uniqueScreenviews BIGINT, timeOnScreen BIGINT, totalTransactionRevenue BIGINT, "
    "sessionQualityDim BIGINT)"
)
_TRAFFIC_SOURCE = (
    "STRUCT(referralPath VARCHAR, campaign VARCHAR, source VARCHAR, medium VARCHAR, keyword "
    "VARCHAR, adContent VARCHAR, adwordsClickInfo STRUCT(campaignId BIGINT, adGroupId BIGINT, "
    "creativeId BIGINT, criteriaId BIGINT, page BIGINT, slot VARCHAR, criteriaParameters "
    "VARCHAR, gclId VARCHAR, customerId BIGINT, adNetworkType VARCHAR, targetingCriteria "
    "STRUCT(boomUserlistId BIGINT), isVideoAd BOOLEAN), isTrueDirect BOOLEAN, campaignCode "
    "VARCHAR)"
)
_DEVICE = (
    "STRUCT(browser VARCHAR, browserVersion VARCHAR, browserSize VARCHAR, operatingSystem "
    "VARCHAR, operatingSystemVersion VARCHAR, isMobile BOOLEAN, mobileDeviceBranding VARCHAR, "
    "mobileDeviceModel VARCHAR, mobileInputSelector VARCHAR, mobileDeviceInfo VARCHAR, "
    "mobileDeviceMarketingName VARCHAR, flashVersion VARCHAR, javaEnabled BOOLEAN, language "
    "VARCHAR, screenColors VARCHAR, screenResolution VARCHAR, deviceCategory VARCHAR)"
)
_GEO_NETWORK = (
    "STRUCT(continent VARCHAR, subContinent VARCHAR, country VARCHAR, region VARCHAR, metro "
    "VARCHAR, city VARCHAR, cityId VARCHAR, networkDomain VARCHAR, latitude VARCHAR, longitude "
    "VARCHAR, networkLocation VARCHAR)"
)
_CUSTOM_DIMENSIONS = "STRUCT(index BIGINT, value VARCHAR)[]"
_HIT_MEMBERS = (
    "hitNumber BIGINT",
    "time BIGINT",
    "hour BIGINT",
    "minute BIGINT",
    "isSecure BOOLEAN",
    "isInteraction BOOLEAN",
    "isEntrance BOOLEAN",
    "isExit BOOLEAN",
    "referer VARCHAR",
    "page STRUCT(pagePath VARCHAR, hostname VARCHAR, pageTitle VARCHAR, searchKeyword "
    "VARCHAR, searchCategory VARCHAR, pagePathLevel1 VARCHAR, pagePathLevel2 VARCHAR, "
    "pagePathLevel3 VARCHAR, pagePathLevel4 VARCHAR)",
    "transaction STRUCT(transactionId VARCHAR, transactionRevenue BIGINT, transactionTax "
    "BIGINT, transactionShipping BIGINT, affiliation VARCHAR, currencyCode VARCHAR, "
    "localTransactionRevenue BIGINT, localTransactionTax BIGINT, localTransactionShipping "
    "BIGINT, transactionCoupon VARCHAR)",
    "item STRUCT(transactionId VARCHAR, productName VARCHAR, productCategory VARCHAR, "
    "productSku VARCHAR, itemQuantity BIGINT, itemRevenue BIGINT, currencyCode VARCHAR, "
    "localItemRevenue BIGINT)",
    "contentInfo STRUCT(contentDescription VARCHAR)",
    "appInfo STRUCT(name VARCHAR, version VARCHAR, id VARCHAR, installerId VARCHAR, "
    "appInstallerId VARCHAR, appName VARCHAR, appVersion VARCHAR, appId VARCHAR, screenName "
    "VARCHAR, landingScreenName VARCHAR, exitScreenName VARCHAR, screenDepth VARCHAR)",
    "exceptionInfo STRUCT(description VARCHAR, isFatal BOOLEAN, exceptions BIGINT, "
    "fatalExceptions BIGINT)",
    "eventInfo STRUCT(eventCategory VARCHAR, eventAction VARCHAR, eventLabel VARCHAR, "
    "eventValue BIGINT)",
    "product STRUCT(productSKU VARCHAR, v2ProductName VARCHAR, v2ProductCategory VARCHAR, "
    "productVariant VARCHAR, productBrand VARCHAR, productRevenue BIGINT, localProductRevenue "
    "BIGINT, productPrice BIGINT, localProductPrice BIGINT, productQuantity BIGINT, "
    "productRefundAmount BIGINT, localProductRefundAmount BIGINT, isImpression BOOLEAN, "
    "isClick BOOLEAN, customDimensions STRUCT(index BIGINT, value VARCHAR)[], customMetrics "
    "STRUCT(index BIGINT, value BIGINT)[], productListName VARCHAR, productListPosition "
    "BIGINT, productCouponCode VARCHAR)[]",
    "promotion STRUCT(promoId VARCHAR, promoName VARCHAR, promoCreative VARCHAR, "
    "promoPosition VARCHAR)[]",
    "promotionActionInfo STRUCT(promoIsView BOOLEAN, promoIsClick BOOLEAN)",
    "refund STRUCT(refundAmount BIGINT, localRefundAmount BIGINT)",
    "eCommerceAction STRUCT(action_type VARCHAR, step BIGINT, option VARCHAR)",
    "experiment STRUCT(experimentId VARCHAR, experimentVariant VARCHAR)[]",
    "customVariables STRUCT(index BIGINT, customVarName VARCHAR, customVarValue VARCHAR)[]",
    "customDimensions STRUCT(index BIGINT, value VARCHAR)[]",
    "customMetrics STRUCT(index BIGINT, value BIGINT)[]",
    "type VARCHAR",
    "social STRUCT(socialInteractionNetwork VARCHAR, socialInteractionAction VARCHAR, "
    "socialInteractions BIGINT, socialInteractionTarget VARCHAR, socialNetwork VARCHAR, "
    "uniqueSocialInteractions BIGINT, hasSocialSourceReferral VARCHAR, "
    "socialInteractionNetworkAction VARCHAR)",
    "sourcePropertyInfo STRUCT(sourcePropertyDisplayName VARCHAR, sourcePropertyTrackingId "
    "VARCHAR)",
    "contentGroup STRUCT(contentGroup1 VARCHAR, contentGroup2 VARCHAR, contentGroup3 VARCHAR, "
    "contentGroup4 VARCHAR, contentGroup5 VARCHAR, previousContentGroup1 VARCHAR, "
    "previousContentGroup2 VARCHAR, previousContentGroup3 VARCHAR, previousContentGroup4 "
    "VARCHAR, previousContentGroup5 VARCHAR, contentGroupUniqueViews1 BIGINT, "
    "contentGroupUniqueViews2 BIGINT, contentGroupUniqueViews3 BIGINT, "
    "contentGroupUniqueViews4 BIGINT, contentGroupUniqueViews5 BIGINT)",
    "dataSource VARCHAR",
)
_HITS = f"STRUCT({', '.join(_HIT_MEMBERS)})[]"

_FILE_KEY = r"(ga_sessions_(?:intraday_)?\d{8}(?:[-_]\d{6,})?)"

SESSIONS = TableSpec(
    name="sessions",
    people=People(
        identifies={
            "visitorId": "client_id",
            "fullVisitorId": "client_id",
            "clientId": "client_id",
            "userId": "user_id",
        }
    ),
    natural_key=("fullVisitorId", "visitId", "visitStartTime"),
    dt="try_strptime(date, '%Y%m%d')",
    files=(
        FileRule(
            format="native",
            patterns=("**/ga_sessions_*.parquet",),
            reader="parquet",
            file_key=_FILE_KEY,
        ),
        FileRule(
            format="native",
            patterns=("**/ga_sessions_*.json", "**/ga_sessions_*.jsonl"),
            reader="jsonl",
            file_key=_FILE_KEY,
        ),
    ),
    description="Sessions with their hits, every delivery.",
    columns=(
        Column("visitorId", description="Deprecated."),
        Column("visitNumber", "BIGINT"),
        Column("visitId", "BIGINT", required=True, not_null=True, description="Seconds, UTC."),
        Column(
            "visitStartTime", "BIGINT", required=True, not_null=True, description="Seconds, UTC."
        ),
        Column("date", required=True, not_null=True, description="Day, view time zone."),
        Column("totals", _TOTALS),
        Column("trafficSource", _TRAFFIC_SOURCE, description="Source of the session."),
        Column("device", _DEVICE),
        Column("geoNetwork", _GEO_NETWORK),
        Column("customDimensions", _CUSTOM_DIMENSIONS),
        Column("hits", _HITS, required=True),
        Column("fullVisitorId", required=True, not_null=True, description="Client id, hashed."),
        Column("userId"),
        Column("clientId"),
        Column("channelGrouping"),
        Column("socialEngagementType"),
    ),
)

SPEC = VendorSpec(
    name="universal_analytics",
    family="web",
    tables=(SESSIONS,),
    docs_url="https://support.google.com/analytics/answer/3437719",
    description="Universal Analytics BigQuery export (history), Parquet or newline JSON.",
)
