-- One row per objective and size.
-- Intervals by resampling groups of models, computed by build; the relation `accuracy` joins them with
-- the estimates.
create or replace view accuracy_intervals as
select
    objective,
    size,
    accuracy_in,
    accuracy_in_low,
    accuracy_in_high,
    accuracy_out,
    accuracy_out_low,
    accuracy_out_high,
    accuracy_test,
    accuracy_test_low,
    accuracy_test_high,
    memorization,
    memorization_low,
    memorization_high,
    saturated,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/accuracy_intervals.parquet');

comment on view accuracy_intervals is
    'One row per objective and size. Intervals of the mean accuracies and of mean memorisation.';
comment on column accuracy_intervals.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column accuracy_intervals.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column accuracy_intervals.accuracy_in is
    'Mean over training examples of accuracy_in; 0 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column accuracy_intervals.accuracy_in_low is
    'Lower 95 % limit of accuracy_in; NULL where it cannot be estimated.';
comment on column accuracy_intervals.accuracy_in_high is
    'Upper 95 % limit of accuracy_in; NULL where it cannot be estimated.';
comment on column accuracy_intervals.accuracy_out is
    'Mean over training examples of accuracy_out; 0 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column accuracy_intervals.accuracy_out_low is
    'Lower 95 % limit of accuracy_out; NULL where it cannot be estimated.';
comment on column accuracy_intervals.accuracy_out_high is
    'Upper 95 % limit of accuracy_out; NULL where it cannot be estimated.';
comment on column accuracy_intervals.accuracy_test is
    'Mean test accuracy over models; 0 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column accuracy_intervals.accuracy_test_low is
    'Lower 95 % limit of accuracy_test; NULL where it cannot be estimated.';
comment on column accuracy_intervals.accuracy_test_high is
    'Upper 95 % limit of accuracy_test; NULL where it cannot be estimated.';
comment on column accuracy_intervals.memorization is
    'Mean memorisation; -1 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column accuracy_intervals.memorization_low is
    'Lower 95 % limit of memorization; NULL where it cannot be estimated.';
comment on column accuracy_intervals.memorization_high is
    'Upper 95 % limit of memorization; NULL where it cannot be estimated.';
comment on column accuracy_intervals.saturated is
    'Whether mean accuracy_in is at least .99: the models fit everything.';
comment on column accuracy_intervals.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
