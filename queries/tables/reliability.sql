-- One row per objective, size (NULL for changes), quantity, signal and number of groups.
-- How reliable scores are: the groups of models are split into halves, each half scores every training
-- example, and the halves' scores are correlated; averaged over many splits of whole groups. Rows with
-- fewer groups than the study has show what fewer models would have given. reliability = 2 r / (1 + r)
-- (Spearman 1910, Brown 1910; for unequal halves Horst 1951) = var(true) / (var(true) + var(noise)).
create or replace view reliability as
select
    objective,
    size,
    size_rank,
    quantity,
    signal,
    n_groups,
    n_models,
    correlation,
    spread,
    reliability,
    std_error,
    n_examples,
    n_splits,
    split_seed
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/reliability.parquet');

comment on view reliability is
    'One row per objective, size (NULL for changes), quantity, signal and number of groups. Split-half reliability of scores and of their changes, and how it grows with the models.';
comment on column reliability.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column reliability.size is
    'Name of the model size; NULL for changes from the first to the last size.';
comment on column reliability.size_rank is
    'Place of the size in the study, 0 = smallest; NULL for changes.';
comment on column reliability.quantity is
    '''level'' (memorization), ''change'' (last minus first size) or ''distillation'' (distilled minus one_hot).';
comment on column reliability.signal is
    '''correctness'' (0/1, as in memorization), ''probability'', ''margin'' or ''loss'' (as in memorization_by).';
comment on column reliability.n_groups is
    'Groups of models behind both halves together, at least 2; the largest is all that there are.';
comment on column reliability.n_models is
    'Models at one size in these groups, both halves together; for changes, at the end with fewer.';
comment on column reliability.correlation is
    'Pearson correlation of the halves over examples, -1 to 1, mean over splits: the reliability of half as many models.';
comment on column reliability.spread is
    'Standard deviation of correlation between splits; no standard error, since splits share models. NULL for one split.';
comment on column reliability.reliability is
    'Reliability of the score from all n_models, 0 to 1; NULL where correlation is not above 0.';
comment on column reliability.std_error is
    'Mean standard error of the quantity over examples, unit of the signal, from n_models. NULL where it cannot be estimated.';
comment on column reliability.n_examples is
    'Examples that the correlation runs over: all training examples, at most 50,000 drawn by split_seed.';
comment on column reliability.n_splits is
    'Splits averaged, from 1; all there are if few. 1 for signals of packed stores, which keep two fixed halves.';
comment on column reliability.split_seed is 'Seed of the splits and of the examples drawn.';
