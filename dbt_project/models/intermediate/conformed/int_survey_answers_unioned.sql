{{ config(materialized='view') }}

{{ conformed_union('survey_answers', {
    'survey_answer_key': 'string',
    'survey_response_key': 'string',
    'source': 'string',
    'survey_id': 'string',
    'response_id': 'string',
    'question_id': 'string',
    'question_version': 'integer',
    'answer_text': 'string',
    'answer_number': 'double',
    'submitted_at': 'timestamp',
}) }}
