-- One row per objective, class, shape and size: the mean course of a class's examples of a shape.
--
-- Sorted and averaged on the same models, as in trajectory_curves.
create or replace view trajectory_curves_by_class as
select
    t.objective,
    t.label,
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
group by t.objective, t.label, t.shape, m.size, m.size_rank
order by t.objective desc, t.label, t.shape, m.size_rank;

comment on view trajectory_curves_by_class is
    'One row per objective, class, shape and size: the mean trajectory of a class''s examples.';
comment on column trajectory_curves_by_class.objective is
    'Training objective: ''one_hot'' or ''distilled''.';
comment on column trajectory_curves_by_class.label is 'Class of the examples, 0 to classes - 1.';
comment on column trajectory_curves_by_class.shape is
    'Shape of the trajectories (trajectories.shape).';
comment on column trajectory_curves_by_class.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column trajectory_curves_by_class.size_rank is
    'Place of the size in the study, 0 = smallest.';
comment on column trajectory_curves_by_class.n_examples is
    'Training examples behind the means, from 1.';
comment on column trajectory_curves_by_class.memorization is 'Mean memorization, -1 to 1.';
comment on column trajectory_curves_by_class.accuracy_in is 'Mean accuracy_in, 0 to 1.';
comment on column trajectory_curves_by_class.accuracy_out is 'Mean accuracy_out, 0 to 1.';
