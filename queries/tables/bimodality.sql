-- One row per objective and size.
-- Shape of the distribution of memorisation over examples, binomial noise removed unless the column says
-- plain. polarisation = tau^2 / (mu (1 - mu)), mu the mean score and tau^2 its variance over examples
-- minus the mean binomial noise.
create or replace view bimodality as
select
    objective,
    size,
    size_rank,
    n_examples,
    n_groups,
    mean,
    mean_low,
    mean_high,
    polarisation,
    polarisation_low,
    polarisation_high,
    low_mass,
    low_mass_low,
    low_mass_high,
    high_mass,
    high_mass_low,
    high_mass_high,
    low_mass_plain,
    low_mass_plain_low,
    low_mass_plain_high,
    high_mass_plain,
    high_mass_plain_low,
    high_mass_plain_high,
    upper_mode_ratio,
    upper_mode_ratio_low,
    upper_mode_ratio_high,
    bimodality_coefficient,
    bimodality_coefficient_low,
    bimodality_coefficient_high,
    dip,
    dip_low,
    dip_high,
    dip_plain,
    dip_plain_low,
    dip_plain_high
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/bimodality.parquet');

comment on view bimodality is
    'One row per objective and size. Measures of bimodality of the scores.';
comment on column bimodality.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column bimodality.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column bimodality.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column bimodality.n_examples is 'Examples behind the estimate, from 0.';
comment on column bimodality.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
comment on column bimodality.mean is
    'Mean memorisation; -1 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.mean_low is
    'Lower 95 % limit of mean; NULL where it cannot be estimated.';
comment on column bimodality.mean_high is
    'Upper 95 % limit of mean; NULL where it cannot be estimated.';
comment on column bimodality.polarisation is
    'Polarisation: 0 if all scores are equal, 1 if all are 0 or 1; about 0 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.polarisation_low is
    'Lower 95 % limit of polarisation; NULL where it cannot be estimated.';
comment on column bimodality.polarisation_high is
    'Upper 95 % limit of polarisation; NULL where it cannot be estimated.';
comment on column bimodality.low_mass is
    'Share of examples with memorisation at most .1, noise removed; 0 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.low_mass_low is
    'Lower 95 % limit of low_mass; NULL where it cannot be estimated.';
comment on column bimodality.low_mass_high is
    'Upper 95 % limit of low_mass; NULL where it cannot be estimated.';
comment on column bimodality.high_mass is
    'Share of examples with memorisation at least .9, noise removed; 0 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.high_mass_low is
    'Lower 95 % limit of high_mass; NULL where it cannot be estimated.';
comment on column bimodality.high_mass_high is
    'Upper 95 % limit of high_mass; NULL where it cannot be estimated.';
comment on column bimodality.low_mass_plain is
    'Share of examples with memorisation at most .1, as estimated; 0 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.low_mass_plain_low is
    'Lower 95 % limit of low_mass_plain; NULL where it cannot be estimated.';
comment on column bimodality.low_mass_plain_high is
    'Upper 95 % limit of low_mass_plain; NULL where it cannot be estimated.';
comment on column bimodality.high_mass_plain is
    'Share of examples with memorisation at least .9, as estimated; 0 to 1. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.high_mass_plain_low is
    'Lower 95 % limit of high_mass_plain; NULL where it cannot be estimated.';
comment on column bimodality.high_mass_plain_high is
    'Upper 95 % limit of high_mass_plain; NULL where it cannot be estimated.';
comment on column bimodality.upper_mode_ratio is
    'share(.9, 1] / share(.7, .8]; above 1 there is an upper mode; ratio, from 0. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.upper_mode_ratio_low is
    'Lower 95 % limit of upper_mode_ratio; NULL where it cannot be estimated.';
comment on column bimodality.upper_mode_ratio_high is
    'Upper 95 % limit of upper_mode_ratio; NULL where it cannot be estimated.';
comment on column bimodality.bimodality_coefficient is
    'Sarle''s coefficient (g^2 + 1)/(kurtosis + 3(n - 1)^2/((n - 2)(n - 3))); 0 to 1. It does not discriminate: skewness alone lifts it, so that a unimodal Beta(.5, 3) has .67 and CIFAR-100 scores .83, both above the usual mark 5/9. Shown for comparison with other work. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.bimodality_coefficient_low is
    'Lower 95 % limit of bimodality_coefficient; NULL where it cannot be estimated.';
comment on column bimodality.bimodality_coefficient_high is
    'Upper 95 % limit of bimodality_coefficient; NULL where it cannot be estimated.';
comment on column bimodality.dip is
    'Hartigan''s dip (1985) of the distribution without noise, 0 to .25; 0: unimodal. No p-value: tabulated ones hold for independent draws, and examples share models. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.dip_low is
    'Lower 95 % limit of dip; NULL where it cannot be estimated.';
comment on column bimodality.dip_high is
    'Upper 95 % limit of dip; NULL where it cannot be estimated.';
comment on column bimodality.dip_plain is
    'Hartigan''s dip of the scores as estimated, each spread over one step of the lattice, 0 to .25. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality.dip_plain_low is
    'Lower 95 % limit of dip_plain; NULL where it cannot be estimated.';
comment on column bimodality.dip_plain_high is
    'Upper 95 % limit of dip_plain; NULL where it cannot be estimated.';
