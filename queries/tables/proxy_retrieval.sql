-- One row per objective, size, proxy, target and selection.
-- How many of the most memorised examples a proxy finds. The proxy names examples from one half of the groups
-- of models; the score of the other half tells which are memorised. Examples tied at a limit count in part.
create or replace view proxy_retrieval as
select
    objective,
    size,
    size_rank,
    proxy,
    target,
    selection,
    precision,
    precision_low,
    precision_high,
    recall,
    recall_low,
    recall_high,
    lift,
    lift_low,
    lift_high,
    score_precision,
    n_target,
    n_selected,
    n_examples,
    n_groups,
    n_splits
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/proxy_retrieval.parquet');

comment on view proxy_retrieval is
    'One row per objective, size, proxy, target and selection. Precision, recall and lift of proxies for the most memorised examples.';
comment on column proxy_retrieval.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column proxy_retrieval.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column proxy_retrieval.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column proxy_retrieval.proxy is
    'Name of the proxy; names ending in _clean are computed from clean evaluation passes.';
comment on column proxy_retrieval.target is
    'What is to be found: ''top 1 %'', ''top 5 %'', ''top 10 %'' by score, ''memorization >= 0.25'' or ''memorization >= 0.5''.';
comment on column proxy_retrieval.selection is
    'What the proxy names: ''as many'' as the target holds (precision and recall are then equal), or its own ''top 1 %'', ''top 5 %'', ''top 10 %''.';
comment on column proxy_retrieval.precision is
    'Share of the named examples that are in the target, 0 to 1; NULL where none is named. Interval: delete-one-group jackknife of one split, t(G - 1).';
comment on column proxy_retrieval.precision_low is
    'Lower 95 % limit of precision; NULL where it cannot be estimated.';
comment on column proxy_retrieval.precision_high is
    'Upper 95 % limit of precision; NULL where it cannot be estimated.';
comment on column proxy_retrieval.recall is
    'Share of the target that is named, 0 to 1; NULL for an empty target. Interval: delete-one-group jackknife of one split, t(G - 1).';
comment on column proxy_retrieval.recall_low is
    'Lower 95 % limit of recall; NULL where it cannot be estimated.';
comment on column proxy_retrieval.recall_high is
    'Upper 95 % limit of recall; NULL where it cannot be estimated.';
comment on column proxy_retrieval.lift is
    'precision / (share of the target among all examples), from 0; 1 is chance. Interval: delete-one-group jackknife of one split, t(G - 1).';
comment on column proxy_retrieval.lift_low is
    'Lower 95 % limit of lift; NULL where it cannot be estimated.';
comment on column proxy_retrieval.lift_high is
    'Upper 95 % limit of lift; NULL where it cannot be estimated.';
comment on column proxy_retrieval.score_precision is
    'Precision of the score itself from the half that the proxy comes from, 0 to 1: what its own noise leaves to be found.';
comment on column proxy_retrieval.n_target is
    'Examples in the target, mean over halves and splits.';
comment on column proxy_retrieval.n_selected is 'Examples named, mean over halves and splits.';
comment on column proxy_retrieval.n_examples is 'Examples with a score and a value of the proxy, from 0.';
comment on column proxy_retrieval.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
comment on column proxy_retrieval.n_splits is
    'Splits of the groups into halves that the estimate is averaged over, from 1; 1 for packed stores, which keep two fixed halves.';
