-- One row per distilled objective, size, grouping, category, selecting objective and estimator.
-- Mean change of memorisation by distillation (distilled minus one_hot) in groups of examples. Examples
-- are selected without the group of models that measures them, unless the estimator says naive: selection
-- and measurement on the same models exaggerate by regression to the mean.
create or replace view distillation_effects as
select
    objective,
    size,
    size_rank,
    teacher_size,
    teacher_scope,
    gap,
    grouping,
    category,
    selected_on,
    estimator,
    change,
    change_low,
    change_high,
    change_in,
    change_out,
    n_examples,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/distillation_effects.parquet');

comment on view distillation_effects is
    'One row per distilled objective, size, grouping, category, selecting objective and estimator. What distillation does to which examples.';
comment on column distillation_effects.objective is
    '''distilled'', or ''distilled_<name>'' for another distillation setting.';
comment on column distillation_effects.size is 'Name of the student''s size.';
comment on column distillation_effects.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column distillation_effects.teacher_size is 'Size of the teacher.';
comment on column distillation_effects.teacher_scope is
    'What the teacher was trained on: ''same_subset'' or ''full_data''.';
comment on column distillation_effects.gap is
    'ln(parameters of the teacher / parameters of the student); 0 = self-distillation.';
comment on column distillation_effects.grouping is
    'How examples are grouped: ''all'', ''score'' (three ranges), ''bin'' (tenths) or ''shape''.';
comment on column distillation_effects.category is 'Which group of examples.';
comment on column distillation_effects.selected_on is
    'Objective whose scores select, ''one_hot'' or objective; NULL where nothing is selected.';
comment on column distillation_effects.estimator is
    '''leave_one_group_out'', ''naive'' or ''jackknife''.';
comment on column distillation_effects.change is
    'Mean of memorisation distilled minus one_hot; -2 to 2. Interval over groups of models, t(G - 1).';
comment on column distillation_effects.change_low is
    'Lower 95 % limit of change; NULL where it cannot be estimated.';
comment on column distillation_effects.change_high is
    'Upper 95 % limit of change; NULL where it cannot be estimated.';
comment on column distillation_effects.change_in is 'Part of change from accuracy_in, -1 to 1.';
comment on column distillation_effects.change_out is
    'Part of change from accuracy_out, -1 to 1: change = change_in - change_out.';
comment on column distillation_effects.n_examples is 'Examples selected, mean over folds.';
comment on column distillation_effects.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
