-- One row per objective, size and split of partners.
-- How many pairs were tested, lie above the threshold, would by noise alone, and stand out.
-- Noise: every training example as good as drawn into subsets at random, by the design of the
-- subsets (memanalysis/analysis/assignment.py).
create or replace view influence_summary as
select
    objective,
    size,
    size_rank,
    split,
    threshold,
    same_class,
    n_models,
    n_pairs,
    n_above,
    n_above_by_noise,
    n_significant,
    least_p_value,
    jaccard,
    n_train,
    n_test
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/influence_summary.parquet');

comment on view influence_summary is
    'One row per objective, size and split of partners. Pairs tested, above the threshold, expected there by noise, and standing out.';
comment on column influence_summary.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column influence_summary.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column influence_summary.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column influence_summary.split is
    'Split of the partners: ''test'' or ''train'' (pairs of two training examples).';
comment on column influence_summary.threshold is
    'Influence from which a pair counts as above, 0 to 1.';
comment on column influence_summary.same_class is
    'Whether only pairs of one class were tested; all are where no label is known.';
comment on column influence_summary.n_models is 'Models trained at this size and objective.';
comment on column influence_summary.n_pairs is 'Pairs tested, from 0.';
comment on column influence_summary.n_above is 'Pairs whose influence is at least the threshold.';
comment on column influence_summary.n_above_by_noise is
    'Pairs that would be, if no training example had any influence: expected number.';
comment on column influence_summary.n_significant is
    'Pairs above the threshold with a q-value of at most .05: the rows of influence.';
comment on column influence_summary.least_p_value is
    'Smallest p-value that any pair could have had with these subsets, 0 to 1; well above .05 / n_pairs, no pair can stand out.';
comment on column influence_summary.jaccard is
    'Pairs above the threshold in both halves of the groups over those in either, 0 to 1; NULL if in none.';
comment on column influence_summary.n_train is
    'Distinct training examples among the pairs that stand out.';
comment on column influence_summary.n_test is 'Distinct partners among the pairs that stand out.';
