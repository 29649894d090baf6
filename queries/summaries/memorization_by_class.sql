-- One row per objective, size and class: means over the training examples with a score.
create or replace view memorization_by_class as
with
means as (
    select
        objective,
        size,
        size_rank,
        label,
        count(*) as n_examples,
        avg(memorization) as memorization,
        avg(accuracy_in) as accuracy_in,
        avg(accuracy_out) as accuracy_out
    from memorization
    where memorization is not null
    group by objective, size, size_rank, label
)
select
    m.objective,
    m.size,
    m.size_rank,
    m.label,
    coalesce(c.class_name, m.label::varchar) as class_name,
    m.n_examples,
    m.memorization,
    m.accuracy_in,
    m.accuracy_out
from means as m
left join classes as c
    on m.label = c.label
order by m.objective desc, m.size_rank, m.label;

comment on view memorization_by_class is
    'One row per objective, size and class: mean memorisation and accuracies.';
comment on column memorization_by_class.objective is
    'Training objective: ''one_hot'' or ''distilled''.';
comment on column memorization_by_class.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column memorization_by_class.size_rank is
    'Place of the size in the study, 0 = smallest.';
comment on column memorization_by_class.label is 'Class of the examples, 0 to classes - 1.';
comment on column memorization_by_class.class_name is
    'Name of the class; its label where it has no name.';
comment on column memorization_by_class.n_examples is 'Training examples behind the means, from 1.';
comment on column memorization_by_class.memorization is 'Mean memorization, -1 to 1.';
comment on column memorization_by_class.accuracy_in is 'Mean accuracy_in, 0 to 1.';
comment on column memorization_by_class.accuracy_out is 'Mean accuracy_out, 0 to 1.';
