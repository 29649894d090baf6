-- One row per objective, size and bin of the true scores.
-- The distribution of memorisation over examples with the binomial noise of a finite number of models
-- removed: maximum likelihood on a grid of (p_in, p_out), stopped early (Kiefer and Wolfowitz 1956; Laird
-- 1978). Intervals: jackknife over groups of models, t(G - 1); the smoothing of the fit is not in them.
create or replace view memorization_density as
select
    objective,
    size,
    size_rank,
    bin_low,
    bin_high,
    share,
    share_low,
    share_high,
    n_examples,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/memorization_density.parquet');

comment on view memorization_density is
    'One row per objective, size and bin. How the true scores are distributed, noise removed.';
comment on column memorization_density.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column memorization_density.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column memorization_density.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column memorization_density.bin_low is
    'Lower edge in memorization, -1.025 to .975; bins are .05 wide and centred on 0 and 1.';
comment on column memorization_density.bin_high is 'Upper edge in memorization, -.975 to 1.025.';
comment on column memorization_density.share is
    'Share of examples whose true score lies in the bin, 0 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column memorization_density.share_low is
    'Lower 95 % limit of share; NULL where it cannot be estimated.';
comment on column memorization_density.share_high is
    'Upper 95 % limit of share; NULL where it cannot be estimated.';
comment on column memorization_density.n_examples is 'Examples behind the estimate, from 0.';
comment on column memorization_density.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
