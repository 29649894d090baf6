-- One row per annotation without a name or a value, or with a number that is not finite.
create or replace view incomplete_annotations as
select
    name,
    example_id,
    value,
    number
from annotations
where name is null or value is null or example_id is null or not isfinite(number);

comment on view incomplete_annotations is
    'One row per annotation without a name or a value, or with a number that is not finite; must be empty.';
comment on column incomplete_annotations.name is 'Name of the annotation.';
comment on column incomplete_annotations.example_id is 'Training example.';
comment on column incomplete_annotations.value is 'Value as text.';
comment on column incomplete_annotations.number is 'Value as a number; NULL where it is none.';
