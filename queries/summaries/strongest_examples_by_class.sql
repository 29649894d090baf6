-- One row per objective, class, shape, rank and size: the 3 strongest examples of each class and shape.
--
-- Shapes that move: increasing, decreasing, cap, u and mixed. Strongest by |change|; for cap and u by the
-- excursion, peak - trough. Chosen on the models that are shown, so the courses look stronger than they
-- are. Of more than 12 classes those with the most such examples.
create or replace view strongest_examples_by_class as
with
moving as (
    select
        objective,
        label,
        shape,
        example_id,
        row_number() over (
            partition by objective, label, shape
            order by
                case when shape in ('cap', 'u') then peak - trough else abs(change) end
                desc nulls last,
                change_se,
                example_id
        ) as place
    from trajectories
    where shape not in ('fixed', 'undetermined') and label is not null
),
shown as (
    select
        objective,
        label,
        count(*) as n_moving
    from moving
    group by objective, label
    qualify row_number() over (partition by objective order by count(*) desc, label) <= 12
)
select
    r.objective,
    r.label,
    coalesce(c.class_name, r.label::varchar) as class_name,
    s.n_moving,
    r.shape,
    r.place::integer as rank,
    r.example_id,
    m.size,
    m.size_rank,
    m.accuracy_in,
    m.accuracy_out,
    m.memorization
from moving as r
inner join shown as s
    on r.objective = s.objective and r.label = s.label
inner join memorization as m
    on r.objective = m.objective and r.example_id = m.example_id
left join classes as c
    on r.label = c.label
where r.place <= 3
order by r.objective desc, r.label, r.shape, r.place, m.size_rank;

comment on view strongest_examples_by_class is
    'One row per objective, class, shape, rank and size: the 3 strongest examples of each class and shape.';
comment on column strongest_examples_by_class.objective is
    'Training objective: ''one_hot'' or ''distilled''.';
comment on column strongest_examples_by_class.label is 'Class of the example, 0 to classes - 1.';
comment on column strongest_examples_by_class.class_name is
    'Name of the class; its label where it has no name.';
comment on column strongest_examples_by_class.n_moving is
    'Examples of the class with a shape that moves, from 1.';
comment on column strongest_examples_by_class.shape is
    'Shape of the trajectory: increasing, decreasing, cap, u or mixed (trajectories.shape).';
comment on column strongest_examples_by_class.rank is
    'Place among the class''s examples of the shape, 1 to 3, by |change|; cap and u by peak - trough.';
comment on column strongest_examples_by_class.example_id is
    'Training example (examples.example_id).';
comment on column strongest_examples_by_class.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column strongest_examples_by_class.size_rank is
    'Place of the size in the study, 0 = smallest.';
comment on column strongest_examples_by_class.accuracy_in is
    'Share of the models trained with the example that classify it correctly, 0 to 1.';
comment on column strongest_examples_by_class.accuracy_out is
    'Share of the models trained without the example that classify it correctly, 0 to 1.';
comment on column strongest_examples_by_class.memorization is
    'accuracy_in - accuracy_out, -1 to 1; NULL where either is.';
