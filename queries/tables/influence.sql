-- One row per training example, partner, objective and size; only pairs that stand out.
-- Influence is P[h(x_test) = y_test | train example in] - P[... | out]
-- (Feldman and Zhang 2020, arXiv 2008.03703). Pairs of one class whose influence is at least
-- influence_summary.threshold and whose q-value is at most .05: with few models that may be none.
-- Any pair, from the bits: influence_of(example := ...) and influence_on(example := ...).
create or replace view influence as
select
    train_id,
    test_id,
    objective,
    size,
    split,
    influence,
    n_in,
    n_out,
    std_error,
    q_value
from read_parquet(coalesce(getvariable('store'), '.') || '/influence.parquet');

comment on view influence is
    'One row per training example, partner, objective and size; only pairs that stand out. Influence of training examples on others.';
comment on column influence.train_id is 'Training example (examples.example_id).';
comment on column influence.test_id is
    'Its partner, the example that it helps (examples.example_id): of the test split, or another training example.';
comment on column influence.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column influence.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column influence.split is 'Split of test_id: ''test'' or ''train''.';
comment on column influence.influence is
    'Accuracy on the partner of models trained with the training example minus that of the others, -1 to 1.';
comment on column influence.n_in is 'Models trained with the training example; NULL when imported.';
comment on column influence.n_out is 'Models trained without it; NULL when imported.';
comment on column influence.std_error is
    'Standard error of influence, from (k + 1)/(n + 2) rates; NULL when imported.';
comment on column influence.q_value is
    'Benjamini-Hochberg q-value over all pairs of the objective, size and split, also those below the threshold, 0 to 1; NULL when imported. One-sided, against chance under the design of the subsets.';
