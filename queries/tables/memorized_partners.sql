-- One row per objective, size and bound of memorisation.
-- Fewer, more informative? How many examples each size memorises, and how many of them help some
-- test example (Feldman and Zhang 2020, sections 3 and 4). Intervals: delete-one-group jackknife.
create or replace view memorized_partners as
select
    objective,
    size,
    size_rank,
    threshold,
    n_examples,
    n_memorized,
    n_memorized_low,
    n_memorized_high,
    n_memorized_noise_removed,
    n_memorized_noise_removed_low,
    n_memorized_noise_removed_high,
    share_with_partner,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/memorized_partners.parquet');

comment on view memorized_partners is
    'One row per objective, size and bound of memorisation. Examples memorised, and the share of them with a test partner.';
comment on column memorized_partners.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column memorized_partners.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column memorized_partners.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column memorized_partners.threshold is
    'Memorisation from which an example counts as memorised, 0 to 1.';
comment on column memorized_partners.n_examples is 'Examples with models inside and outside.';
comment on column memorized_partners.n_memorized is
    'Examples whose score is at least the threshold, as counted: noise lifts some over it.';
comment on column memorized_partners.n_memorized_low is
    'Lower 95 % limit of n_memorized; NULL where it cannot be estimated.';
comment on column memorized_partners.n_memorized_high is
    'Upper 95 % limit of n_memorized; NULL where it cannot be estimated.';
comment on column memorized_partners.n_memorized_noise_removed is
    'Examples whose true score is, estimated by deconvolution of the counts.';
comment on column memorized_partners.n_memorized_noise_removed_low is
    'Lower 95 % limit of n_memorized_noise_removed; NULL where it cannot be estimated.';
comment on column memorized_partners.n_memorized_noise_removed_high is
    'Upper 95 % limit of n_memorized_noise_removed; NULL where it cannot be estimated.';
comment on column memorized_partners.share_with_partner is
    'Share of n_memorized that influence pairs with some test example, 0 to 1; NULL where no pair of the size stands out. Partners that too few models cannot show are missing. Without interval: pairs are chosen on all models.';
comment on column memorized_partners.n_groups is
    'Groups of models behind the estimate: the unit of resampling.';
