-- One row per model whose half, teacher or subset contradicts the rest of the store.
create or replace view misplaced_models as
with
trained_subsets as (
    select distinct
        objective,
        size,
        trained::bit as trained
    from outcomes
    where octet_length(trained) > 0
),
compared as (
    select
        m.model_id,
        m.objective,
        m.size,
        m.subset_id,
        case
            when m.half <> if(m.group_id % 2 = 0, 'a', 'b') then 'another half than its group'
            when m.teacher_model_id is not null and t.model_id is null then 'an unknown teacher'
            when m.subset_id <> t.subset_id then 'a teacher of another subset'
            when m.subset_id not between 0 and bit_length(o.trained) - 1 then 'an unknown subset'
            when get_bit(o.trained, m.subset_id) = 0 then 'no outcomes'
        end as contradiction
    from models as m
    left join models as t
        on m.teacher_model_id = t.model_id
    left join trained_subsets as o
        on m.objective = o.objective and m.size = o.size
)
select
    model_id,
    objective,
    size,
    subset_id,
    contradiction
from compared
where contradiction is not null;

comment on view misplaced_models is
    'One row per model whose half, teacher or subset contradicts the rest of the store; must be empty.';
comment on column misplaced_models.model_id is 'Model (models.model_id).';
comment on column misplaced_models.objective is 'Training objective.';
comment on column misplaced_models.size is 'Name of the model size.';
comment on column misplaced_models.subset_id is 'Subset it was trained on.';
comment on column misplaced_models.contradiction is
    'The first thing that cannot be: its half, its teacher, its subset, or that it has no outcomes.';
