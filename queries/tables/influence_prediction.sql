-- One row per objective, size and set of pairs.
-- Influence put to the test: estimated on some groups of models, it predicts which models of the other groups get a
-- test example right (predicted: the sum of the influences of a model's training examples). The rank correlation of
-- predicted and observed over those models, averaged over test examples, is the linear datamodeling score
-- (Park et al. 2023, arXiv 2303.14186). 0 where influence says nothing about other models.
-- margin_ columns: the same of margins instead of correctness, where the study keeps every model's (observe.keep_margins,
-- of training images alone). A training image then stands for a test image: models that were not trained on it are
-- ranked.
create or replace view influence_prediction as
with declared as (
    select
        null::varchar as objective,
        null::varchar as size,
        null::integer as size_rank,
        null::boolean as same_class,
        null::double as estimate,
        null::double as ci_low,
        null::double as ci_high,
        null::integer as n_models,
        null::integer as n_folds,
        null::bigint as n_train,
        null::double as n_examples,
        null::double as margin_estimate,
        null::double as margin_ci_low,
        null::double as margin_ci_high,
        null::integer as margin_n_folds,
        null::double as margin_n_examples
    where false
)
select
    objective,
    size,
    size_rank,
    same_class,
    estimate,
    ci_low,
    ci_high,
    n_models,
    n_folds,
    n_train,
    n_examples,
    margin_estimate,
    margin_ci_low,
    margin_ci_high,
    margin_n_folds,
    margin_n_examples
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/influence_prediction*.parquet',
        allow_empty := true
    )
);

comment on view influence_prediction is
    'One row per objective, size and set of pairs. How well influence predicts the outcomes of models that it was not estimated on; zero rows with neither test outcomes nor kept margins.';
comment on column influence_prediction.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column influence_prediction.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column influence_prediction.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column influence_prediction.same_class is
    'Whether only training examples of the test example''s class count, or all.';
comment on column influence_prediction.estimate is
    'Spearman rank correlation over held-out models of predicted and observed correctness, mean over test examples and folds; -1 to 1. NULL where no fold has 4 models. Interval: over folds, t(n_folds - 1).';
comment on column influence_prediction.ci_low is
    'Lower 95 % limit of estimate; NULL where it cannot be estimated.';
comment on column influence_prediction.ci_high is
    'Upper 95 % limit of estimate; NULL where it cannot be estimated.';
comment on column influence_prediction.n_models is 'Models at this size and objective.';
comment on column influence_prediction.n_folds is
    'Folds of whole groups of models, each held out once; at most 10.';
comment on column influence_prediction.n_train is 'Training examples whose influence is added up.';
comment on column influence_prediction.n_examples is
    'Test examples whose correlation is defined, as some held-out models and some others get them right and some wrong; mean over folds.';
comment on column influence_prediction.margin_estimate is
    'Spearman rank correlation of predicted and observed margins on a training image over held-out models that were not trained on it, mean over training images and folds; -1 to 1. NULL where the study does not keep margins (observe.keep_margins) or no fold has 4 such models. Interval: over folds, t(margin_n_folds - 1).';
comment on column influence_prediction.margin_ci_low is
    'Lower 95 % limit of margin_estimate; NULL where it cannot be estimated.';
comment on column influence_prediction.margin_ci_high is
    'Upper 95 % limit of margin_estimate; NULL where it cannot be estimated.';
comment on column influence_prediction.margin_n_folds is
    'Folds of two groups of models or more, each held out once; at most 10. NULL where margins are not kept.';
comment on column influence_prediction.margin_n_examples is
    'Training images whose correlation of margins is defined, mean over folds. NULL where margins are not kept.';
