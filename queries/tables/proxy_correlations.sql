-- One row per objective, size (NULL for changes), quantity, stratum, proxy and method.
-- Correlation over examples between proxies and memorisation, from opposite halves of the groups, averaged
-- over splits into halves. corrected_estimate = estimate / sqrt(product of both split-half correlations)
-- (Spearman 1904); for ranks it is approximate.
create or replace view proxy_correlations as
select
    objective,
    size,
    size_rank,
    quantity,
    stratum,
    proxy,
    method,
    estimate,
    ci_low,
    ci_high,
    reliability,
    corrected_estimate,
    n_examples,
    n_groups,
    n_splits
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/proxy_correlations.parquet');

comment on view proxy_correlations is
    'One row per objective, size (NULL for changes), quantity, stratum, proxy and method. Correlations of proxies with memorisation and of their changes.';
comment on column proxy_correlations.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column proxy_correlations.size is
    'Name of the model size; NULL for changes from the first to the last size.';
comment on column proxy_correlations.size_rank is
    'Place of the size in the study, 0 = smallest; NULL for changes.';
comment on column proxy_correlations.quantity is
    '''level'' (proxy and score at one size) or ''change'' (last minus first size).';
comment on column proxy_correlations.stratum is
    'Which examples: ''all'', ''class: <name>'', ''direction: <name>'' or ''shape: <name>''. Trajectories come from all groups, so changes within them are those that examples were chosen for.';
comment on column proxy_correlations.proxy is
    'Name of the proxy; names ending in _clean are computed from clean evaluation passes.';
comment on column proxy_correlations.method is '''pearson'', ''spearman'' or ''kendall''.';
comment on column proxy_correlations.estimate is
    'Correlation, -1 to 1; NULL where it cannot be estimated.';
comment on column proxy_correlations.ci_low is
    'Lower 95 % limit of estimate. Interval: delete-one-group jackknife of one split, t(G - 1). NULL for ''kendall'' in strata other than ''all'', and in packed stores that were never built from model files.';
comment on column proxy_correlations.ci_high is
    'Upper 95 % limit of estimate, as ci_low.';
comment on column proxy_correlations.reliability is
    'Smaller of the split-half reliabilities (Spearman-Brown) of proxy and score, at most 1.';
comment on column proxy_correlations.corrected_estimate is
    'estimate corrected for attenuation, not clipped at 1; NULL where a reliability is below .3.';
comment on column proxy_correlations.n_examples is 'Examples behind the estimate, from 0; for ''kendall'' at most 20,000, drawn at random.';
comment on column proxy_correlations.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
comment on column proxy_correlations.n_splits is
    'Splits of the groups into halves that estimate and reliability are averaged over, from 1. At most 4 in strata; 1 for ''kendall'' and in packed stores, which keep two fixed halves of the proxies; NULL where an earlier version wrote the row.';
