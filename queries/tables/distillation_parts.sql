-- One row per distilled objective, student and selecting objective.
-- Mean change by distillation of memorised examples (score >= .5) minus that of not memorised ones (score < .25), in
-- parts, and what an equal gain in logits for every example would give. Selected without the group that measures.
create or replace view distillation_parts as
with declared as (
    select
        null::varchar as objective,
        null::varchar as size,
        null::integer as size_rank,
        null::varchar as teacher_size,
        null::varchar as teacher_scope,
        null::double as gap,
        null::varchar as selected_on,
        null::double as fitting,
        null::double as fitting_low,
        null::double as fitting_high,
        null::double as generalising,
        null::double as generalising_low,
        null::double as generalising_high,
        null::double as equal_gain,
        null::double as equal_gain_low,
        null::double as equal_gain_high,
        null::double as excess,
        null::double as excess_low,
        null::double as excess_high,
        null::double as accuracy_in_one_hot,
        null::double as accuracy_in_distilled,
        null::double as n_memorised,
        null::double as n_not_memorised,
        null::integer as n_folds,
        null::integer as n_groups
    where false
)
select
    objective,
    size,
    size_rank,
    teacher_size,
    teacher_scope,
    gap,
    selected_on,
    fitting,
    fitting_low,
    fitting_high,
    generalising,
    generalising_low,
    generalising_high,
    equal_gain,
    equal_gain_low,
    equal_gain_high,
    excess,
    excess_low,
    excess_high,
    accuracy_in_one_hot,
    accuracy_in_distilled,
    n_memorised,
    n_not_memorised,
    n_folds,
    n_groups
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/distillation_parts*.parquet',
        allow_empty := true
    )
);

comment on view distillation_parts is
    'One row per distilled objective, student and selecting objective. What memorised examples lose by distillation beyond others, by fitting and by generalising, and beyond an equal gain for all.';
comment on column distillation_parts.objective is
    '''distilled'', or ''distilled_<name>'' for another distillation setting.';
comment on column distillation_parts.size is 'Name of the student''s size.';
comment on column distillation_parts.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column distillation_parts.teacher_size is 'Size of the teacher.';
comment on column distillation_parts.teacher_scope is
    'What the teacher was trained on: ''same_subset'' or ''full_data''. With ''full_data'' held-out labels leak.';
comment on column distillation_parts.gap is
    'ln(parameters of the teacher / parameters of the student); 0 = self-distillation.';
comment on column distillation_parts.selected_on is
    'Objective whose scores select, ''one_hot'' or objective.';
comment on column distillation_parts.fitting is
    'Contrast of the changes of accuracy_in, -1 to 1: below 0, students fit memorised examples less often. Interval: delete one group, t(G - 1).';
comment on column distillation_parts.fitting_low is
    'Lower 95 % limit of fitting; NULL where it cannot be estimated.';
comment on column distillation_parts.fitting_high is
    'Upper 95 % limit of fitting; NULL where it cannot be estimated.';
comment on column distillation_parts.generalising is
    'Contrast of the changes of accuracy_out, turned, -1 to 1.';
comment on column distillation_parts.generalising_low is
    'Lower 95 % limit of generalising; NULL where it cannot be estimated.';
comment on column distillation_parts.generalising_high is
    'Upper 95 % limit of generalising; NULL where it cannot be estimated.';
comment on column distillation_parts.equal_gain is
    'What generalising would be if every example gained equally in logits.';
comment on column distillation_parts.equal_gain_low is
    'Lower 95 % limit of equal_gain; NULL where it cannot be estimated.';
comment on column distillation_parts.equal_gain_high is
    'Upper 95 % limit of equal_gain; NULL where it cannot be estimated.';
comment on column distillation_parts.excess is
    'generalising minus equal_gain: below 0, memorised examples gain more than an equal gain would give; above 0, less.';
comment on column distillation_parts.excess_low is
    'Lower 95 % limit of excess; NULL where it cannot be estimated.';
comment on column distillation_parts.excess_high is
    'Upper 95 % limit of excess; NULL where it cannot be estimated.';
comment on column distillation_parts.accuracy_in_one_hot is 'Mean accuracy_in of the one-hot models, 0 to 1.';
comment on column distillation_parts.accuracy_in_distilled is
    'Mean accuracy_in of the distilled models, 0 to 1.';
comment on column distillation_parts.n_memorised is 'Memorised examples, mean over folds, from 0.';
comment on column distillation_parts.n_not_memorised is 'Not memorised examples, mean over folds, from 0.';
comment on column distillation_parts.n_folds is
    'Groups of models in which 20 examples or more were selected, from 0.';
comment on column distillation_parts.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
