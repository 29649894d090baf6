-- One row per example out of order: ids are 0 to n - 1, training examples first.
create or replace view disordered_examples as
with
placed as (
    select
        example_id,
        split,
        row_number() over (order by split desc, example_id) - 1 as place
    from examples
)
select
    example_id,
    split,
    place
from placed
where example_id <> place or split not in ('train', 'test');

comment on view disordered_examples is
    'One row per example whose id is not its place, training examples first; must be empty.';
comment on column disordered_examples.example_id is 'Example (examples.example_id).';
comment on column disordered_examples.split is 'Its split: ''train'' or ''test'' is expected.';
comment on column disordered_examples.place is 'The id it should have, from 0.';
