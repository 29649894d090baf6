-- One row per example whose label has no class name, or differs between examples and outcomes.
create or replace view unknown_labels as
with
named as (
    select
        e.example_id,
        e.label,
        c.class_name
    from examples as e
    left join classes as c
        on e.label = c.label
),
seen as (
    select distinct
        example_id,
        label
    from outcomes
)
select
    n.example_id,
    n.label,
    n.class_name,
    s.label as outcomes_label
from named as n
left join seen as s
    on n.example_id = s.example_id
where
    (n.label is not null and n.class_name is null and exists (select 1 from classes))
    or (s.example_id is not null and s.label is distinct from n.label);

comment on view unknown_labels is
    'One row per example whose label is unnamed or differs in outcomes; must be empty.';
comment on column unknown_labels.example_id is 'Example (examples.example_id).';
comment on column unknown_labels.label is 'Its label in examples.';
comment on column unknown_labels.class_name is 'Name of that class; NULL if it has none.';
comment on column unknown_labels.outcomes_label is 'Its label in outcomes.';
