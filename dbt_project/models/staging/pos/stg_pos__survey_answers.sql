with sms_feedback as (
    {{ current_rows(source('pos', 'sms_feedback'), ['feedback_id'], 'received_at') }}
),

replies as (
    select
        _source,
        feedback_id,
        trim(message) as message,
        coalesce(
            {{ text_to_timestamp('received_at', "'" ~ var('business_timezone') ~ "'") }},
            {{ text_to_timestamp('sent_at', "'" ~ var('business_timezone') ~ "'") }}
        ) as submitted_at
    from sms_feedback
    where nullif(trim(message), '') is not null
),

read_replies as (
    select
        _source,
        feedback_id,
        message,
        submitted_at,
        -- the first number of the message, only if it is on the scale: "5!", "4 kiitos", not "10"
        nullif(regexp_extract(message, '^[^0-9]*([1-5])([^0-9]|$)', 1), '') as score,
        -- the words around the number
        trim(regexp_replace(message, '^[ ]*[1-5]([^0-9A-Za-z]+|$)', '')) as words
    from replies
),

answers as (
    select
        _source as source,
        'pos_sms' as survey_id,
        feedback_id as response_id,
        'sms_csat' as question_id,
        1 as question_version,
        1 as option_position,
        score as answer_text,
        cast(score as double) as answer_number,
        submitted_at
    from read_replies
    where score is not null
    union all
    select
        _source as source,
        'pos_sms' as survey_id,
        feedback_id as response_id,
        'sms_text' as question_id,
        1 as question_version,
        1 as option_position,
        words as answer_text,
        cast(null as double) as answer_number,
        submitted_at
    from read_replies
    where regexp_extract(words, '[A-Za-zÅÄÖåäö]{2}', 0) <> ''
)

{{ conformed_survey_answers('answers') }}
