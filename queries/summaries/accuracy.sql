-- One row per objective and size.
--
-- Means over the training examples whose score can be estimated, so that memorization is exactly
-- accuracy_in - accuracy_out: mean memorisation is the generalisation gap of the subset-trained
-- models (methods: the identity). Intervals resample groups of models, never examples; build
-- computed them, and they are NULL below two groups.
create or replace view accuracy as
with
means as (
    select
        objective,
        size,
        size_rank,
        count(*) as n_examples,
        avg(accuracy_in) as accuracy_in,
        avg(accuracy_out) as accuracy_out,
        avg(memorization) as memorization
    from memorization
    where split = 'train' and memorization is not null
    group by objective, size, size_rank
),
trained as (
    select
        objective,
        size,
        size_rank,
        count(*) as n_models,
        max(parameters) as parameters,
        avg(accuracy_test) as accuracy_test
    from models
    group by objective, size, size_rank
)
select
    t.objective,
    t.size,
    t.size_rank,
    t.n_models,
    t.parameters,
    m.n_examples,
    m.accuracy_in,
    i.accuracy_in_low,
    i.accuracy_in_high,
    m.accuracy_out,
    i.accuracy_out_low,
    i.accuracy_out_high,
    t.accuracy_test,
    i.accuracy_test_low,
    i.accuracy_test_high,
    m.memorization,
    i.memorization_low,
    i.memorization_high,
    m.accuracy_in >= 0.99 as saturated,
    i.n_groups
from trained as t
left join means as m
    on t.objective = m.objective and t.size = m.size
left join accuracy_intervals as i
    on t.objective = i.objective and t.size = i.size
order by t.objective desc, t.size_rank;

comment on view accuracy is
    'One row per objective and size: mean accuracy inside, outside, on test, and memorisation.';
comment on column accuracy.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column accuracy.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column accuracy.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column accuracy.n_models is 'Models trained, from 1.';
comment on column accuracy.parameters is 'Trainable parameters of a model, from 1.';
comment on column accuracy.n_examples is 'Training examples behind the means, from 0.';
comment on column accuracy.accuracy_in is 'Mean accuracy_in over training examples, 0 to 1.';
comment on column accuracy.accuracy_in_low is
    'Lower 95 % limit of accuracy_in (delete-one-group jackknife).';
comment on column accuracy.accuracy_in_high is
    'Upper 95 % limit of accuracy_in (delete-one-group jackknife).';
comment on column accuracy.accuracy_out is 'Mean accuracy_out over training examples, 0 to 1.';
comment on column accuracy.accuracy_out_low is
    'Lower 95 % limit of accuracy_out (delete-one-group jackknife).';
comment on column accuracy.accuracy_out_high is
    'Upper 95 % limit of accuracy_out (delete-one-group jackknife).';
comment on column accuracy.accuracy_test is
    'Mean accuracy on all test images over models, 0 to 1.';
comment on column accuracy.accuracy_test_low is
    'Lower 95 % limit of accuracy_test (delete-one-group jackknife).';
comment on column accuracy.accuracy_test_high is
    'Upper 95 % limit of accuracy_test (delete-one-group jackknife).';
comment on column accuracy.memorization is
    'Mean memorization over training examples, -1 to 1; exactly accuracy_in - accuracy_out.';
comment on column accuracy.memorization_low is
    'Lower 95 % limit of mean memorization (delete-one-group jackknife).';
comment on column accuracy.memorization_high is
    'Upper 95 % limit of mean memorization (delete-one-group jackknife).';
comment on column accuracy.saturated is
    'Whether accuracy_in is at least .99: the models fit everything they are shown.';
comment on column accuracy.n_groups is 'Groups of models behind the intervals, from 0.';
