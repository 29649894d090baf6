-- One row per distilled objective, size and training example: one_hot against it on the same subsets.
--
-- objective is 'distilled', or 'distilled_<name>' where a study varies how students are taught.
-- The change is paired over the subsets trained with both objectives (see paired_changes). A teacher
-- that saw the full data leaks held-out labels and lowers memorisation by construction: look at
-- teacher_scope.
create or replace view distillation as
with
parameters_of as (
    select
        size,
        max(parameters) as parameters
    from models
    group by size
),
students as (
    select
        objective,
        size,
        max(teacher_size) as teacher_size,
        max(teacher_scope) as teacher_scope
    from models
    where starts_with(objective, 'distilled')
    group by objective, size
),
gaps as (
    select
        s.objective,
        s.size,
        s.teacher_size,
        s.teacher_scope,
        ln(t.parameters / nullif(p.parameters, 0)) as gap
    from students as s
    inner join parameters_of as p
        on s.size = p.size
    left join parameters_of as t
        on s.teacher_size = t.size
)
select
    c.objective_b as objective,
    c.size_a as size,
    c.size_rank_a as size_rank,
    g.teacher_size,
    g.teacher_scope,
    g.gap,
    c.example_id,
    c.label,
    c.n_in,
    c.n_out,
    c.memorization_a as memorization_one_hot,
    c.memorization_b as memorization_distilled,
    c.change,
    c.change_se,
    c.change_in,
    c.change_out,
    c.paired
from paired_changes as c
left join gaps as g
    on c.size_a = g.size and c.objective_b = g.objective
where c.comparison = 'objective';

comment on view distillation is
    'One row per distilled objective, size and training example: both memorisation scores.';
comment on column distillation.objective is
    '''distilled'', or ''distilled_<name>'' for another distillation setting.';
comment on column distillation.size is 'Name of the student''s size; see size_rank for the order.';
comment on column distillation.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column distillation.teacher_size is 'Size of the teacher; NULL where unknown.';
comment on column distillation.teacher_scope is
    'What the teacher was trained on: ''same_subset'' or ''full_data'', which leaks held-out labels.';
comment on column distillation.gap is
    'ln(parameters of the teacher / parameters of the student); 0 = self-distillation.';
comment on column distillation.example_id is 'Training example (examples.example_id).';
comment on column distillation.label is 'Class of the example, 0 to classes - 1.';
comment on column distillation.n_in is
    'Subsets trained with both objectives that contain the example, from 0.';
comment on column distillation.n_out is
    'Subsets trained with both objectives that leave the example out, from 0.';
comment on column distillation.memorization_one_hot is
    'Memorization of one_hot models, -1 to 1; NULL where it cannot be estimated.';
comment on column distillation.memorization_distilled is
    'Memorization of distilled models, -1 to 1; NULL where it cannot be estimated.';
comment on column distillation.change is
    'Memorization distilled minus one_hot, -2 to 2: change_in - change_out.';
comment on column distillation.change_se is
    'Standard error of change, above 0 (paired, adjusted as in Agresti and Min 2005).';
comment on column distillation.change_in is
    'Change of accuracy_in, -1 to 1; below 0 the student fits less.';
comment on column distillation.change_out is
    'Change of accuracy_out, -1 to 1; above 0 the student generalises better.';
comment on column distillation.paired is
    'Whether common subsets carry the change; if false, change is the difference of both scores.';
