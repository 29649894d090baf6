-- One row per group and training example that a balanced group leaves out more or less often than others.
--
-- Looks only at complete groups: a study that is still being trained is no fault.
create or replace view unbalanced_subsets as
with
complete as (
    select
        m.objective,
        m.size,
        m.group_id,
        any_value(s.group_size) as group_size,
        any_value(s.n_subsets) as n_subsets
    from models as m
    cross join study as s
    where s.design = 'balanced' and (m.group_id + 1) * s.group_size <= s.n_subsets
    group by m.objective, m.size, m.group_id
    having count(*) = any_value(s.group_size)
),
masks as (
    select
        objective,
        size,
        group_id,
        group_size,
        (n_subsets + 7) // 8 as n_bytes,
        rpad(
            repeat('0', group_id * group_size) || repeat('1', group_size), 8 * n_bytes, '0'
        )::bit as members
    from complete
),
counted as (
    select
        o.objective,
        o.size,
        m.group_id,
        o.example_id,
        m.group_size - bit_count(o.in_train::bit & m.members) as n_out
    from outcomes as o
    inner join masks as m
        on o.objective = m.objective and o.size = m.size and octet_length(o.in_train) = m.n_bytes
    where o.split = 'train'
),
usual as (
    select
        *,
        mode(n_out) over (partition by objective, size, group_id) as usual_n_out
    from counted
)
select
    objective,
    size,
    group_id,
    example_id,
    n_out,
    usual_n_out
from usual
where n_out <> usual_n_out;

comment on view unbalanced_subsets is
    'One row per group and training example held out more or less often than the others; must be empty.';
comment on column unbalanced_subsets.objective is 'Training objective.';
comment on column unbalanced_subsets.size is 'Name of the model size.';
comment on column unbalanced_subsets.group_id is 'Group of subsets, all of them trained.';
comment on column unbalanced_subsets.example_id is 'Training example.';
comment on column unbalanced_subsets.n_out is 'Models of the group trained without it.';
comment on column unbalanced_subsets.usual_n_out is 'Models of the group trained without most other examples.';
