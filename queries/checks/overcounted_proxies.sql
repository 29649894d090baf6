-- One row per proxy value that more models stand behind than there are.
create or replace view overcounted_proxies as
with
counted as (
    select
        objective,
        size,
        example_id,
        bit_count(in_train::bit) as models_in,
        n_models - bit_count(in_train::bit) as models_out
    from outcomes
    where octet_length(in_train) > 0
)
select
    p.objective,
    p.size,
    p.example_id,
    p.proxy,
    p.n_in,
    p.n_out,
    c.models_in,
    c.models_out
from proxies as p
inner join counted as c
    on p.objective = c.objective and p.size = c.size and p.example_id = c.example_id
where p.n_in > c.models_in or p.n_out > c.models_out;

comment on view overcounted_proxies is
    'One row per proxy value with more models behind it than there are; must be empty.';
comment on column overcounted_proxies.objective is 'Training objective.';
comment on column overcounted_proxies.size is 'Name of the model size.';
comment on column overcounted_proxies.example_id is 'Training example.';
comment on column overcounted_proxies.proxy is 'Name of the proxy.';
comment on column overcounted_proxies.n_in is 'Models behind value_in.';
comment on column overcounted_proxies.n_out is 'Models behind value_out.';
comment on column overcounted_proxies.models_in is 'Models trained with the example.';
comment on column overcounted_proxies.models_out is 'Models trained without the example.';
