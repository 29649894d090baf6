-- One row per objective, proxy, shape and size: the mean proxy of the examples of a shape.
--
-- Beside trajectory_curves, the mean score of the same examples, it shows whether a proxy follows.
-- A proxy is taken inside, else held out, as in proxy_agreement. The examples were sorted on the same
-- models; proxy_trends measures on other ones, by ranks, which a shift of all examples cannot move.
create or replace view proxy_curves as
select
    t.objective,
    p.proxy,
    t.shape,
    p.size,
    p.size_rank,
    count(*) as n_examples,
    avg(coalesce(p.value_in, p.value_out)::double) as value
from trajectory_tests as t
inner join proxies as p
    on t.objective = p.objective and t.example_id = p.example_id
where coalesce(p.value_in, p.value_out) is not null and p.size <> 'unknown'
group by t.objective, p.proxy, t.shape, p.size, p.size_rank
order by t.objective desc, p.proxy, t.shape, p.size_rank;

comment on view proxy_curves is
    'One row per objective, proxy, shape and size: the mean proxy of the examples of a shape.';
comment on column proxy_curves.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column proxy_curves.proxy is
    'Name of the proxy; names ending in _clean are computed from clean evaluation passes.';
comment on column proxy_curves.shape is 'Shape of the score''s trajectory (trajectories.shape).';
comment on column proxy_curves.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column proxy_curves.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column proxy_curves.n_examples is 'Training examples behind the means, from 1.';
comment on column proxy_curves.value is 'Mean of the proxy, in its own unit.';
