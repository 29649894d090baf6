-- One row per objective and proxy.
-- Whether a proxy's change over sizes tells examples whose memorisation increases from the others: AUC of
-- the change of the proxy, standardised within each size (minus its mean over examples, over its SD), mean of
-- both directions of the halves; DeLong et al. (1988) limits over examples, the outer ones of both directions.
-- In a store whose findings are of version 2 or before: AUC of the change of the percentile rank within each
-- size, shapes from the other groups of models, limits over groups.
create or replace view proxy_trends as
select
    objective,
    proxy,
    auc,
    auc_low,
    auc_high,
    level,
    level_low,
    level_high,
    share_rising,
    polarisation_first,
    polarisation_last,
    n_increasing,
    n_groups,
    verdict
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/proxy_trends.parquet');

comment on view proxy_trends is
    'One row per objective and proxy. Whether proxies follow the trends of memorisation over sizes.';
comment on column proxy_trends.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column proxy_trends.proxy is
    'Name of the proxy; names ending in _clean are computed from clean evaluation passes.';
comment on column proxy_trends.auc is
    'AUC, increasing against fixed or decreasing examples; 0 to 1, .5 is blind. Shapes from the other half of the models (of ranks and from the other groups where findings are of version 2 or before).';
comment on column proxy_trends.auc_low is
    'Lower 95 % limit of auc; NULL where it cannot be estimated.';
comment on column proxy_trends.auc_high is
    'Upper 95 % limit of auc; NULL where it cannot be estimated.';
comment on column proxy_trends.level is
    'Spearman correlation with the score, mean over sizes and halves; -1 to 1. Interval over examples (Fisher''s z; Bonett and Wright 2000).';
comment on column proxy_trends.level_low is
    'Lower 95 % limit of level; NULL where it cannot be estimated.';
comment on column proxy_trends.level_high is
    'Upper 95 % limit of level; NULL where it cannot be estimated.';
comment on column proxy_trends.share_rising is
    'Share of increasing examples whose own oriented proxy rises too, 0 to 1.';
comment on column proxy_trends.polarisation_first is
    'Polarisation of the proxy at the first size; NULL for proxies outside [0, 1].';
comment on column proxy_trends.polarisation_last is
    'Polarisation of the proxy at the last size; NULL for proxies outside [0, 1].';
comment on column proxy_trends.n_increasing is 'Increasing examples by the half of the models that finds fewer, from 0.';
comment on column proxy_trends.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
comment on column proxy_trends.verdict is
    '''follows'' (lower limit of auc above .75), ''misses'' (upper limit below) or ''undetermined''.';
