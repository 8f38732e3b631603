{# Rows for which an expression over the model's columns is false; unknown passes. #}
{% test expression_is_true(model, expression) %}
select * from {{ model }}
where not ({{ expression }})
{% endtest %}
