-- One row per objective, size, training example and proxy.
-- A proxy is a cheap per-example quantity of a single training, averaged here over models.
create or replace view proxies as
select
    objective,
    size,
    size_rank,
    example_id,
    proxy,
    value_in,
    n_in,
    value_out,
    n_out,
    value_in_a,
    n_in_a,
    value_out_a,
    n_out_a,
    value_in_b,
    n_in_b,
    value_out_b,
    n_out_b
from read_parquet(coalesce(getvariable('store'), '.') || '/proxies.parquet');

comment on view proxies is
    'One row per objective, size, training example and proxy. Proxies of memorisation, averaged over models.';
comment on column proxies.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column proxies.size is
    'Name of the model size; the order of sizes is size_rank; ''unknown'' for imported scores of unknown models.';
comment on column proxies.size_rank is
    'Place of the size in the study, 0 = smallest; NULL for sizes without models.';
comment on column proxies.example_id is
    'Example, 0 to n - 1: training examples first, in their original order, then test examples.';
comment on column proxies.proxy is
    'Name of the proxy; names ending in _clean are computed from clean evaluation passes.';
comment on column proxies.value_in is
    'Mean of the proxy over the models with the example in train, in the proxy''s unit; NULL where none observed it.';
comment on column proxies.n_in is
    'Models behind value_in, from 0; NULL for imported scores without counts.';
comment on column proxies.value_out is
    'Mean of the proxy over the models with the example held out, in the proxy''s unit; NULL where none observed it.';
comment on column proxies.n_out is
    'Models behind value_out, from 0; NULL for imported scores without counts.';
comment on column proxies.value_in_a is
    'Mean of the proxy over the models of half a of the groups with the example in train, in the proxy''s unit; NULL where none observed it.';
comment on column proxies.n_in_a is
    'Models behind value_in_a, from 0; NULL for imported scores without counts.';
comment on column proxies.value_out_a is
    'Mean of the proxy over the models of half a of the groups with the example held out, in the proxy''s unit; NULL where none observed it.';
comment on column proxies.n_out_a is
    'Models behind value_out_a, from 0; NULL for imported scores without counts.';
comment on column proxies.value_in_b is
    'Mean of the proxy over the models of half b of the groups with the example in train, in the proxy''s unit; NULL where none observed it.';
comment on column proxies.n_in_b is
    'Models behind value_in_b, from 0; NULL for imported scores without counts.';
comment on column proxies.value_out_b is
    'Mean of the proxy over the models of half b of the groups with the example held out, in the proxy''s unit; NULL where none observed it.';
comment on column proxies.n_out_b is
    'Models behind value_out_b, from 0; NULL for imported scores without counts.';
