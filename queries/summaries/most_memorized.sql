-- One row per objective, class and rank: the 12 most memorised examples of a class, largest size.
--
-- Chosen on the models that are shown, so the scores look higher than they are.
create or replace view most_memorized as
with
largest as (
    select
        objective,
        max(size_rank) as size_rank
    from outcomes
    group by objective
),
ranked as (
    select
        m.*,
        row_number() over (
            partition by m.objective, m.label
            order by m.memorization desc, m.std_error, m.example_id
        ) as place
    from memorization as m
    inner join largest as l
        on m.objective = l.objective and m.size_rank = l.size_rank
    where m.memorization is not null
)
select
    r.objective,
    r.size,
    r.size_rank,
    r.label,
    c.class_name,
    r.place::integer as rank,
    r.example_id,
    r.n_in,
    r.n_out,
    r.n_out - r.hits_out as misses_out,
    r.accuracy_in,
    r.accuracy_out,
    r.memorization,
    r.ci_low,
    r.ci_high
from ranked as r
left join classes as c
    on r.label = c.label
where r.place <= 12
order by r.objective desc, r.label, r.place;

comment on view most_memorized is
    'One row per objective, class and rank: the 12 most memorised examples at the largest size.';
comment on column most_memorized.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column most_memorized.size is 'Name of the largest size of the objective.';
comment on column most_memorized.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column most_memorized.label is 'Class of the example, 0 to classes - 1.';
comment on column most_memorized.class_name is 'Its name; NULL where classes have no names.';
comment on column most_memorized.rank is
    'Place within the class, 1 to 12, by memorization, then std_error, then example_id.';
comment on column most_memorized.example_id is 'Training example (examples.example_id).';
comment on column most_memorized.n_in is 'Models trained with the example, from 1.';
comment on column most_memorized.n_out is 'Models trained without the example, from 1.';
comment on column most_memorized.misses_out is
    'Models trained without the example that give it another label: n_out less hits_out.';
comment on column most_memorized.accuracy_in is
    'Share of n_in that classify the example correctly, 0 to 1.';
comment on column most_memorized.accuracy_out is
    'Share of n_out that classify the example correctly, 0 to 1.';
comment on column most_memorized.memorization is 'accuracy_in - accuracy_out, -1 to 1.';
comment on column most_memorized.ci_low is 'Lower 95 % limit of memorization (Newcombe 1998).';
comment on column most_memorized.ci_high is 'Upper 95 % limit of memorization (Newcombe 1998).';
