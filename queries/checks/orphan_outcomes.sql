-- One row per outcome, proxy or other record whose example, or objective and size, is nowhere else.
create or replace view orphan_outcomes as
with
recorded as (
    select distinct
        'proxies' as relation,
        objective,
        size,
        example_id
    from proxies
    union all
    select distinct
        'votes' as relation,
        objective,
        size,
        example_id
    from votes
    union all
    select distinct
        'margins' as relation,
        objective,
        size,
        example_id
    from margins
    union all
    select distinct
        'epoch_outcomes' as relation,
        objective,
        size,
        example_id
    from epoch_outcomes
    union all
    select distinct
        'repeats' as relation,
        objective,
        size,
        example_id
    from repeats
    union all
    select distinct
        'annotations' as relation,
        null as objective,
        null as size,
        example_id
    from annotations
    union all
    select distinct
        'attributions' as relation,
        null as objective,
        null as size,
        train_id as example_id
    from attributions
)
select
    'outcomes' as relation,
    o.objective,
    o.size,
    o.example_id
from outcomes as o
anti join examples as e
    on o.example_id = e.example_id and o.split = e.split
union all
select
    r.relation,
    r.objective,
    r.size,
    r.example_id
from recorded as r
anti join examples as e
    on r.example_id = e.example_id and (e.split = 'train' or r.relation in ('votes', 'repeats'))
union all
select distinct
    r.relation,
    r.objective,
    r.size,
    null as example_id
from recorded as r
anti join outcomes as o
    on r.objective = o.objective and r.size = o.size
where r.relation not in ('proxies', 'annotations', 'attributions')
union all
select distinct
    'attributions' as relation,
    null as objective,
    null as size,
    a.test_id as example_id
from attributions as a
anti join examples as e
    on a.test_id = e.example_id;

comment on view orphan_outcomes is
    'One row per outcome, proxy or other record without its example (and split), or without outcomes of its objective and size; must be empty.';
comment on column orphan_outcomes.relation is 'Table of the row.';
comment on column orphan_outcomes.objective is 'Training objective of the row; NULL in annotations and attributions.';
comment on column orphan_outcomes.size is 'Size of the row; NULL in annotations and attributions.';
comment on column orphan_outcomes.example_id is 'Example that examples does not have; NULL where all of an objective and size lacks outcomes.';
