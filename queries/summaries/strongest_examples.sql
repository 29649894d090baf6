-- One row per objective, shape, rank and size: the 12 strongest examples of each shape, with courses.
--
-- Strongest by |change|; for cap and u by the excursion, peak - trough. Chosen on the models that are
-- shown, so the courses look stronger than they are.
create or replace view strongest_examples as
with
ranked as (
    select
        objective,
        shape,
        example_id,
        label,
        row_number() over (
            partition by objective, shape
            order by
                case when shape in ('cap', 'u') then peak - trough else abs(change) end
                desc nulls last,
                change_se,
                example_id
        ) as place
    from trajectories
)
select
    r.objective,
    r.shape,
    r.place::integer as rank,
    r.example_id,
    r.label,
    m.size,
    m.size_rank,
    m.n_in,
    m.n_out,
    m.accuracy_in,
    m.accuracy_out,
    m.memorization,
    m.ci_low,
    m.ci_high
from ranked as r
inner join memorization as m
    on r.objective = m.objective and r.example_id = m.example_id
where r.place <= 12
order by r.objective desc, r.shape, r.place, m.size_rank;

comment on view strongest_examples is
    'One row per objective, shape, rank and size: the 12 strongest examples of each shape.';
comment on column strongest_examples.objective is
    'Training objective: ''one_hot'' or ''distilled''.';
comment on column strongest_examples.shape is 'Shape of the trajectory (trajectories.shape).';
comment on column strongest_examples.rank is
    'Place among the examples of the shape, 1 to 12, by |change|; cap and u by peak - trough.';
comment on column strongest_examples.example_id is 'Training example (examples.example_id).';
comment on column strongest_examples.label is 'Class of the example, 0 to classes - 1.';
comment on column strongest_examples.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column strongest_examples.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column strongest_examples.n_in is 'Models trained with the example, from 0.';
comment on column strongest_examples.n_out is 'Models trained without the example, from 0.';
comment on column strongest_examples.accuracy_in is
    'Share of n_in that classify the example correctly, 0 to 1; NULL where n_in = 0.';
comment on column strongest_examples.accuracy_out is
    'Share of n_out that classify the example correctly, 0 to 1; NULL where n_out = 0.';
comment on column strongest_examples.memorization is
    'accuracy_in - accuracy_out, -1 to 1; NULL where either is.';
comment on column strongest_examples.ci_low is 'Lower 95 % limit of memorization (Newcombe 1998).';
comment on column strongest_examples.ci_high is 'Upper 95 % limit of memorization (Newcombe 1998).';
