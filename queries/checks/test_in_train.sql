-- One row per test example that some subset contains.
create or replace view test_in_train as
with
counted as (
    select
        objective,
        size,
        example_id,
        bit_count(in_train::bit) as n_in
    from outcomes
    where split = 'test' and octet_length(in_train) > 0
)
select
    objective,
    size,
    example_id,
    n_in
from counted
where n_in > 0;

comment on view test_in_train is
    'One row per test example that some training subset contains; must be empty.';
comment on column test_in_train.objective is 'Training objective.';
comment on column test_in_train.size is 'Name of the model size.';
comment on column test_in_train.example_id is 'Test example.';
comment on column test_in_train.n_in is 'Subsets that contain it, from 1.';
