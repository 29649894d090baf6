-- One row per objective, shape and size: the mean trajectory of the examples of a shape.
--
-- The examples are sorted and averaged on the same models, which exaggerates every course that was
-- selected for its change (regression to the mean); findings and distillation_effects measure on
-- models that took no part in the sorting.
create or replace view trajectory_curves as
select
    t.objective,
    t.shape,
    m.size,
    m.size_rank,
    count(*) as n_examples,
    avg(m.memorization) as memorization,
    avg(m.accuracy_in) as accuracy_in,
    avg(m.accuracy_out) as accuracy_out
from trajectories as t
inner join memorization as m
    on t.objective = m.objective and t.example_id = m.example_id
where m.memorization is not null
group by t.objective, t.shape, m.size, m.size_rank
order by t.objective desc, t.shape, m.size_rank;

comment on view trajectory_curves is
    'One row per objective, shape and size: the mean trajectory of the examples of a shape.';
comment on column trajectory_curves.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column trajectory_curves.shape is 'Shape of the trajectories (trajectories.shape).';
comment on column trajectory_curves.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column trajectory_curves.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column trajectory_curves.n_examples is 'Training examples behind the means, from 1.';
comment on column trajectory_curves.memorization is 'Mean memorization, -1 to 1.';
comment on column trajectory_curves.accuracy_in is 'Mean accuracy_in, 0 to 1.';
comment on column trajectory_curves.accuracy_out is 'Mean accuracy_out, 0 to 1.';
