-- One row per class.
create or replace view classes as
select
    unnest(range(len(class_names)))::integer as label,
    unnest(class_names) as class_name
from read_json(
    coalesce(getvariable('store'), '.') || '/manifest.json',
    format = 'unstructured',
    columns = {class_names: 'varchar[]'}
);

comment on view classes is 'One row per class: the name behind a label.';
comment on column classes.label is 'Class as in examples.label, 0 to classes - 1.';
comment on column classes.class_name is 'Name of the class.';
