-- One row per objective, size (NULL for shares of shapes), kind and quantity (and shape).
-- What becomes of each kind of example: examples.kind, planted by the study or judged by something
-- that never saw a score. Kinds are given before the models, so nothing is selected by score and
-- intervals are delete-one-group jackknives, t(G - 1). No rows where fewer than two kinds are known.
create or replace view kind_effects as
select
    objective,
    size,
    size_rank,
    kind,
    quantity,
    shape,
    estimate,
    ci_low,
    ci_high,
    n_examples,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/kind_effects.parquet');

comment on view kind_effects is
    'One row per objective, size (NULL for shares), kind and quantity. Which kinds of example are memorised, take which shape, and change by distillation.';
comment on column kind_effects.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column kind_effects.size is
    'Name of the model size; NULL for shares of shapes, which are over all sizes.';
comment on column kind_effects.size_rank is
    'Place of the size in the study, 0 = smallest; NULL for shares of shapes.';
comment on column kind_effects.kind is 'Kind of the examples (examples.kind).';
comment on column kind_effects.quantity is
    'Mean over the kind of ''memorization'', ''accuracy_in'', ''accuracy_out'' or ''distillation'' (distilled minus one_hot memorization, same subsets); ''share'' of the kind''s examples that have the shape.';
comment on column kind_effects.shape is
    'Shape of the trajectory (trajectories.shape) for ''share''; NULL otherwise.';
comment on column kind_effects.estimate is
    'The quantity: -1 to 1, shares and accuracies 0 to 1; NULL where it cannot be estimated.';
comment on column kind_effects.ci_low is
    'Lower 95 % limit of estimate; NULL where it cannot be estimated.';
comment on column kind_effects.ci_high is
    'Upper 95 % limit of estimate; NULL where it cannot be estimated.';
comment on column kind_effects.n_examples is 'Training examples of the kind behind the estimate, from 0.';
comment on column kind_effects.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
