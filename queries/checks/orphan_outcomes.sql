-- One row per outcome or proxy whose example is not in examples.
create or replace view orphan_outcomes as
select
    'outcomes' as relation,
    o.objective,
    o.size,
    o.example_id
from outcomes as o
anti join examples as e
    on o.example_id = e.example_id and o.split = e.split
union all
select distinct
    'proxies' as relation,
    p.objective,
    p.size,
    p.example_id
from proxies as p
anti join examples as e
    on p.example_id = e.example_id;

comment on view orphan_outcomes is
    'One row per outcome or proxy whose example (and split) is not in examples; must be empty.';
comment on column orphan_outcomes.relation is 'Where the row stands: ''outcomes'' or ''proxies''.';
comment on column orphan_outcomes.objective is 'Training objective of the row.';
comment on column orphan_outcomes.size is 'Size of the row.';
comment on column orphan_outcomes.example_id is 'Example that examples does not have.';
