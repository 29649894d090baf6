-- One row per training example that a balanced design leaves out more or less often than the others.
--
-- Looks only where every group is complete: a study that is still being trained is no fault.
create or replace view unbalanced_subsets as
with
groups_of as (
    select
        m.objective,
        m.size,
        m.group_id,
        count(*) as n_models,
        max(s.group_size) as group_size
    from models as m
    cross join study as s
    where s.design = 'balanced' and s.group_size is not null
    group by m.objective, m.size, m.group_id
),
complete as (
    select
        objective,
        size
    from groups_of
    group by objective, size
    having min(n_models) = max(group_size) and max(n_models) = max(group_size)
),
counted as (
    select
        o.objective,
        o.size,
        o.example_id,
        o.n_models - bit_count(o.in_train::bit) as n_out
    from outcomes as o
    inner join complete as c
        on o.objective = c.objective and o.size = c.size
    where o.split = 'train' and octet_length(o.in_train) > 0
),
usual as (
    select
        *,
        mode(n_out) over (partition by objective, size) as usual_n_out
    from counted
)
select
    objective,
    size,
    example_id,
    n_out,
    usual_n_out
from usual
where n_out <> usual_n_out;

comment on view unbalanced_subsets is
    'One row per training example held out more or less often than the others; must be empty.';
comment on column unbalanced_subsets.objective is 'Training objective.';
comment on column unbalanced_subsets.size is 'Name of the model size.';
comment on column unbalanced_subsets.example_id is 'Training example.';
comment on column unbalanced_subsets.n_out is 'Models trained without it.';
comment on column unbalanced_subsets.usual_n_out is 'Models trained without most other examples.';
