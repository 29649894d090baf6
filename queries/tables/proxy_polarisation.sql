-- One row per objective, size and proxy within [0, 1].
-- Polarisation of the proxy's own distribution over examples, as bimodality.polarisation is for the score: does
-- the proxy part into two ends as models grow? Noise is removed by the covariance of both halves of the groups.
create or replace view proxy_polarisation as
select
    objective,
    size,
    size_rank,
    proxy,
    polarisation,
    polarisation_low,
    polarisation_high,
    n_groups,
    n_splits
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/proxy_polarisation.parquet');

comment on view proxy_polarisation is
    'One row per objective, size and proxy that lies within [0, 1]. Whether proxies polarise with size as the score does.';
comment on column proxy_polarisation.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column proxy_polarisation.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column proxy_polarisation.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column proxy_polarisation.proxy is
    'Name of the proxy; names ending in _clean are computed from clean evaluation passes.';
comment on column proxy_polarisation.polarisation is
    'tau^2 / (mu (1 - mu)) of the proxy: 0 if all values are equal, 1 if all are 0 or 1; NULL where its mean is below .02. Interval: delete-one-group jackknife of one split, t(G - 1).';
comment on column proxy_polarisation.polarisation_low is
    'Lower 95 % limit of polarisation; NULL where it cannot be estimated.';
comment on column proxy_polarisation.polarisation_high is
    'Upper 95 % limit of polarisation; NULL where it cannot be estimated.';
comment on column proxy_polarisation.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
comment on column proxy_polarisation.n_splits is
    'Splits of the groups into halves that the estimate is averaged over, from 1; 1 for packed stores, which keep two fixed halves.';
