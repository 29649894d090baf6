-- One row per objective and size.
-- Is the distribution of held-out error rates one continuum or two clusters? Of n_out models trained without
-- an example, n_out - hits_out err; their number is Beta-binomial if true rates follow a Beta distribution.
-- One Beta of any shape is compared with a mixture of two, each held to a single mode (precision >= 2).
-- Where models fit their training examples (accuracy_in = 1), the held-out error rate is memorization.
create or replace view beta_binomial as
select
    objective,
    size,
    size_rank,
    n_examples,
    n_groups,
    mean,
    mean_low,
    mean_high,
    precision,
    precision_low,
    precision_high,
    u_shaped,
    low_mean,
    low_mean_low,
    low_mean_high,
    low_precision,
    low_precision_low,
    low_precision_high,
    high_mean,
    high_mean_low,
    high_mean_high,
    high_precision,
    high_precision_low,
    high_precision_high,
    high_weight,
    high_weight_low,
    high_weight_high,
    bic_difference,
    bic_difference_low,
    bic_difference_high,
    ashman_d,
    ashman_d_low,
    ashman_d_high
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/beta_binomial.parquet');

comment on view beta_binomial is
    'One row per objective and size. One- against two-component Beta-binomial fit of held-out errors: a continuum, U-shaped or not, or two clusters.';
comment on column beta_binomial.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column beta_binomial.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column beta_binomial.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column beta_binomial.n_examples is 'Examples with a model on either side, from 0.';
comment on column beta_binomial.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
comment on column beta_binomial.mean is
    'Mean true error rate of the single Beta, a/(a + b), 0 to 1. Interval: delete-one-group jackknife, t(G - 1), as for all columns here.';
comment on column beta_binomial.mean_low is
    'Lower 95 % limit of mean; NULL where it cannot be estimated.';
comment on column beta_binomial.mean_high is
    'Upper 95 % limit of mean; NULL where it cannot be estimated.';
comment on column beta_binomial.precision is
    'Precision a + b of the single Beta, above 0; the smaller, the more it is spread to both ends.';
comment on column beta_binomial.precision_low is
    'Lower 95 % limit of precision; NULL where it cannot be estimated.';
comment on column beta_binomial.precision_high is
    'Upper 95 % limit of precision; NULL where it cannot be estimated.';
comment on column beta_binomial.u_shaped is
    'Whether the single Beta is U-shaped (a < 1 and b < 1): modes at 0 and 1 without two clusters.';
comment on column beta_binomial.low_mean is
    'Mean error rate of the lower of two components, 0 to 1.';
comment on column beta_binomial.low_mean_low is
    'Lower 95 % limit of low_mean; NULL where it cannot be estimated.';
comment on column beta_binomial.low_mean_high is
    'Upper 95 % limit of low_mean; NULL where it cannot be estimated.';
comment on column beta_binomial.low_precision is
    'Precision of the lower component, 2 to 3,000 (bounds of the fit).';
comment on column beta_binomial.low_precision_low is
    'Lower 95 % limit of low_precision; NULL where it cannot be estimated.';
comment on column beta_binomial.low_precision_high is
    'Upper 95 % limit of low_precision; NULL where it cannot be estimated.';
comment on column beta_binomial.high_mean is
    'Mean error rate of the upper component, 0 to 1: the memorised cluster, if there is one.';
comment on column beta_binomial.high_mean_low is
    'Lower 95 % limit of high_mean; NULL where it cannot be estimated.';
comment on column beta_binomial.high_mean_high is
    'Upper 95 % limit of high_mean; NULL where it cannot be estimated.';
comment on column beta_binomial.high_precision is
    'Precision of the upper component, 2 to 3,000 (bounds of the fit).';
comment on column beta_binomial.high_precision_low is
    'Lower 95 % limit of high_precision; NULL where it cannot be estimated.';
comment on column beta_binomial.high_precision_high is
    'Upper 95 % limit of high_precision; NULL where it cannot be estimated.';
comment on column beta_binomial.high_weight is 'Share of examples in the upper component, 0 to 1.';
comment on column beta_binomial.high_weight_low is
    'Lower 95 % limit of high_weight; NULL where it cannot be estimated.';
comment on column beta_binomial.high_weight_high is
    'Upper 95 % limit of high_weight; NULL where it cannot be estimated.';
comment on column beta_binomial.bic_difference is
    'BIC of one minus BIC of two components (Schwarz 1978): above 0, two clusters describe the counts better. Examples share models, so no threshold (such as 10) is calibrated; use its interval.';
comment on column beta_binomial.bic_difference_low is
    'Lower 95 % limit of bic_difference; NULL where it cannot be estimated.';
comment on column beta_binomial.bic_difference_high is
    'Upper 95 % limit of bic_difference; NULL where it cannot be estimated.';
comment on column beta_binomial.ashman_d is
    'Ashman''s D of the two components (Ashman, Bird and Zepf 1994): above 2 they are cleanly apart, if there are two.';
comment on column beta_binomial.ashman_d_low is
    'Lower 95 % limit of ashman_d; NULL where it cannot be estimated.';
comment on column beta_binomial.ashman_d_high is
    'Upper 95 % limit of ashman_d; NULL where it cannot be estimated.';
