-- One row per key that a table holds more than once.
create or replace view duplicate_rows as
with
keys as (
    select
        'examples' as relation,
        concat_ws(' ', example_id) as key
    from examples
    union all
    select
        'models' as relation,
        concat_ws(' ', objective, size, subset_id) as key
    from models
    union all
    select
        'models' as relation,
        concat_ws(' ', 'model_id', model_id) as key
    from models
    union all
    select
        'outcomes' as relation,
        concat_ws(' ', objective, size, example_id) as key
    from outcomes
    union all
    select
        'proxies' as relation,
        concat_ws(' ', objective, size, example_id, proxy) as key
    from proxies
    union all
    select
        'influence' as relation,
        concat_ws(' ', objective, size, train_id, test_id) as key
    from influence
    union all
    select
        'votes' as relation,
        concat_ws(' ', objective, size, example_id, class) as key
    from votes
    union all
    select
        'margins' as relation,
        concat_ws(' ', objective, size, example_id) as key
    from margins
    union all
    select
        'epoch_outcomes' as relation,
        concat_ws(' ', objective, size, epoch, example_id) as key
    from epoch_outcomes
    union all
    select
        'repeats' as relation,
        concat_ws(' ', size, example_id) as key
    from repeats
    union all
    select
        'annotations' as relation,
        concat_ws(' ', name, example_id) as key
    from annotations
    union all
    select
        'attributions' as relation,
        concat_ws(' ', name, test_id, train_id) as key
    from attributions
)
select
    relation,
    key,
    count(*) as n_rows
from keys
group by relation, key
having count(*) > 1;

comment on view duplicate_rows is
    'One row per key that a table holds more than once; must be empty.';
comment on column duplicate_rows.relation is 'Name of the table.';
comment on column duplicate_rows.key is 'Values of the columns that must be unique together.';
comment on column duplicate_rows.n_rows is 'Rows with that key, from 2.';
