-- One row per distilled objective and size of student.
-- What distillation does on average: to memorisation, to test accuracy, to the order of examples, and
-- how much of their score memorised examples lose, against the gap between teacher and student.
-- Intervals over groups of models, t(G - 1).
create or replace view distillation_by_size as
select
    objective,
    size,
    size_rank,
    teacher_size,
    teacher_scope,
    temperature,
    distillation_weight,
    gap,
    change,
    change_low,
    change_high,
    change_in,
    change_in_low,
    change_in_high,
    change_out,
    change_out_low,
    change_out_high,
    accuracy_gain,
    accuracy_gain_low,
    accuracy_gain_high,
    agreement,
    agreement_low,
    agreement_high,
    agreement_corrected,
    agreement_corrected_low,
    agreement_corrected_high,
    inhibition,
    inhibition_low,
    inhibition_high,
    n_examples,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/distillation_by_size.parquet');

comment on view distillation_by_size is
    'One row per distilled objective and size of student. What distillation does on average.';
comment on column distillation_by_size.objective is
    '''distilled'', or ''distilled_<name>'' for another distillation setting.';
comment on column distillation_by_size.size is 'Name of the student''s size.';
comment on column distillation_by_size.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column distillation_by_size.teacher_size is 'Size of the teacher.';
comment on column distillation_by_size.teacher_scope is
    'What the teacher was trained on: ''same_subset'' or ''full_data'', which leaks held-out labels.';
comment on column distillation_by_size.temperature is
    'Temperature T of the softened outputs, above 0; NULL where unknown.';
comment on column distillation_by_size.distillation_weight is
    'Weight of the teacher in the loss, 0 to 1; NULL where unknown.';
comment on column distillation_by_size.gap is
    'ln(parameters of the teacher / parameters of the student); 0 = self-distillation.';
comment on column distillation_by_size.change is
    'Mean over training examples of memorisation distilled minus one_hot, -2 to 2.';
comment on column distillation_by_size.change_low is 'Lower 95 % limit of change.';
comment on column distillation_by_size.change_high is 'Upper 95 % limit of change.';
comment on column distillation_by_size.change_in is
    'Part of change from accuracy_in, -1 to 1; below 0 the student fits less.';
comment on column distillation_by_size.change_in_low is 'Lower 95 % limit of change_in.';
comment on column distillation_by_size.change_in_high is 'Upper 95 % limit of change_in.';
comment on column distillation_by_size.change_out is
    'Part of change from accuracy_out, -1 to 1: change = change_in - change_out.';
comment on column distillation_by_size.change_out_low is 'Lower 95 % limit of change_out.';
comment on column distillation_by_size.change_out_high is 'Upper 95 % limit of change_out.';
comment on column distillation_by_size.accuracy_gain is
    'Test accuracy distilled minus one_hot, all test images, same subsets, -1 to 1.';
comment on column distillation_by_size.accuracy_gain_low is 'Lower 95 % limit of accuracy_gain.';
comment on column distillation_by_size.accuracy_gain_high is 'Upper 95 % limit of accuracy_gain.';
comment on column distillation_by_size.agreement is
    'Pearson correlation of both scores over examples, each from the opposite half of the groups.';
comment on column distillation_by_size.agreement_low is 'Lower 95 % limit of agreement.';
comment on column distillation_by_size.agreement_high is 'Upper 95 % limit of agreement.';
comment on column distillation_by_size.agreement_corrected is
    'Agreement without noise (Spearman 1904), can exceed 1; NULL below a reliability of .3.';
comment on column distillation_by_size.agreement_corrected_low is 'Lower 95 % limit of agreement_corrected.';
comment on column distillation_by_size.agreement_corrected_high is 'Upper 95 % limit of agreement_corrected.';
comment on column distillation_by_size.inhibition is
    'Share of their one_hot score that memorised examples lose, leave one group out, mean of both selections; NULL with under 20 of them.';
comment on column distillation_by_size.inhibition_low is 'Lower 95 % limit of inhibition.';
comment on column distillation_by_size.inhibition_high is 'Upper 95 % limit of inhibition.';
comment on column distillation_by_size.n_examples is
    'Training examples with both scores, from 0.';
comment on column distillation_by_size.n_groups is
    'Groups of models behind the estimates, from 0: the unit of resampling.';
