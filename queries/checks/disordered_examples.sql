-- One row per example out of order: ids are 0 to n - 1, training examples first.
create or replace view disordered_examples as
with
places as (
    select
        unnest(range(n_train + n_test)) as place,
        n_train
    from study
),
expected as (
    select
        place,
        if(place < n_train, 'train', 'test') as expected_split
    from places
)
select
    e.example_id,
    e.split,
    p.place,
    p.expected_split
from expected as p
full join examples as e
    on p.place = e.example_id
where e.split is distinct from p.expected_split;

comment on view disordered_examples is
    'One row per example that is missing, has an id beyond the others, or is of another split than its place says; must be empty.';
comment on column disordered_examples.example_id is 'Example (examples.example_id); NULL where one is missing.';
comment on column disordered_examples.split is 'Its split; NULL where the example is missing.';
comment on column disordered_examples.place is 'Id that an example of the study has; NULL where there is no such id.';
comment on column disordered_examples.expected_split is 'Split by the numbers of the study: ''train'' first, then ''test''.';
