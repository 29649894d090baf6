-- One row per objective, size (NULL for changes), two signals and method.
-- Do scores by different signals order the examples alike? Correlation over examples between memorization by
-- signal_a and by signal_b, from opposite halves of the groups, averaged over splits.
create or replace view signal_agreement as
select
    objective,
    size,
    size_rank,
    quantity,
    signal_a,
    signal_b,
    method,
    estimate,
    ci_low,
    ci_high,
    reliability,
    corrected_estimate,
    n_examples,
    n_groups,
    n_splits
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/signal_agreement.parquet');

comment on view signal_agreement is
    'One row per objective, size (NULL for changes), pair of signals and method. Agreement between scores by accuracy, probability, margin and loss.';
comment on column signal_agreement.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column signal_agreement.size is
    'Name of the model size; NULL for changes from the first to the last size.';
comment on column signal_agreement.size_rank is
    'Place of the size in the study, 0 = smallest; NULL for changes.';
comment on column signal_agreement.quantity is
    '''level'' (scores at one size) or ''change'' (last minus first size).';
comment on column signal_agreement.signal_a is
    'First signal: ''correctness'' (0/1), ''probability'', ''margin'' or ''loss'', as in reliability.';
comment on column signal_agreement.signal_b is
    'Second signal: ''correctness'' (0/1), ''probability'', ''margin'' or ''loss'', as in reliability.';
comment on column signal_agreement.method is '''pearson'' or ''spearman''.';
comment on column signal_agreement.estimate is
    'Correlation, -1 to 1; NULL where it cannot be estimated.';
comment on column signal_agreement.ci_low is
    'Lower 95 % limit of estimate. Interval: delete-one-group jackknife of one split, t(G - 1). NULL in packed stores that were never built from model files.';
comment on column signal_agreement.ci_high is 'Upper 95 % limit of estimate, as ci_low.';
comment on column signal_agreement.reliability is
    'Smaller of the split-half reliabilities (Spearman-Brown) of both scores, at most 1.';
comment on column signal_agreement.corrected_estimate is
    'estimate corrected for attenuation, not clipped at 1; NULL where a reliability is below .3.';
comment on column signal_agreement.n_examples is 'Examples behind the estimate, from 0.';
comment on column signal_agreement.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
comment on column signal_agreement.n_splits is
    'Splits of the groups into halves that the estimate is averaged over, from 1; 1 for packed stores, which keep two fixed halves.';
