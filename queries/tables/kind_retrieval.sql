-- One row per objective, size, kind and proxy.
-- How well a number tells one kind of example from ordinary ones: the score itself (proxy =
-- 'memorization') and every proxy that says which end is hard, over all models. Kinds are known
-- beforehand, so the models that score may be those that judge. Ordinary is the kind 'clean', else
-- 'easy', else all other examples. AUC: Mann and Whitney (1947).
create or replace view kind_retrieval as
select
    objective,
    size,
    size_rank,
    kind,
    proxy,
    auc,
    auc_low,
    auc_high,
    precision,
    precision_low,
    precision_high,
    share,
    n_examples,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/kind_retrieval.parquet');

comment on view kind_retrieval is
    'One row per objective, size, kind and proxy. How well the score and each proxy find a kind of example.';
comment on column kind_retrieval.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column kind_retrieval.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column kind_retrieval.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column kind_retrieval.kind is 'Kind of the examples (examples.kind).';
comment on column kind_retrieval.proxy is
    'Name of the proxy, oriented so that high means hard; ''memorization'' is the score itself.';
comment on column kind_retrieval.auc is
    'Chance that an example of the kind has the higher value than an ordinary one, ties counting half, 0 to 1; .5 is chance. NULL for the ordinary kind and where either side is empty. Interval: delete-one-group jackknife, t(G - 1).';
comment on column kind_retrieval.auc_low is
    'Lower 95 % limit of auc; NULL where it cannot be estimated.';
comment on column kind_retrieval.auc_high is
    'Upper 95 % limit of auc; NULL where it cannot be estimated.';
comment on column kind_retrieval.precision is
    'Share of the n_examples highest values that belong to the kind, 0 to 1 (recall is the same); share is chance. Interval as for auc.';
comment on column kind_retrieval.precision_low is
    'Lower 95 % limit of precision; NULL where it cannot be estimated.';
comment on column kind_retrieval.precision_high is
    'Upper 95 % limit of precision; NULL where it cannot be estimated.';
comment on column kind_retrieval.share is
    'Share of the kind among the examples of any kind, 0 to 1.';
comment on column kind_retrieval.n_examples is 'Examples of the kind that have a value, from 0.';
comment on column kind_retrieval.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
