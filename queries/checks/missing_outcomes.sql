-- One row per objective, size and example without outcomes, although the condition was trained.
create or replace view missing_outcomes as
with
conditions as (
    select distinct
        objective,
        size
    from models
)
select
    c.objective,
    c.size,
    e.example_id
from conditions as c
cross join examples as e
anti join outcomes as o
    on c.objective = o.objective and c.size = o.size and e.example_id = o.example_id;

comment on view missing_outcomes is
    'One row per trained objective and size and example without outcomes; must be empty.';
comment on column missing_outcomes.objective is 'Training objective.';
comment on column missing_outcomes.size is 'Name of the model size.';
comment on column missing_outcomes.example_id is 'Example without outcomes there.';
