-- One row per outcome with in_train or correct bits of subsets that were never trained.
--
-- Rows of unequal length are left to uneven_bits: `&` on them would fail the whole query.
create or replace view bits_outside_trained as
with
bits as (
    select
        objective,
        size,
        example_id,
        trained::bit as trained,
        in_train::bit as in_train,
        correct::bit as correct
    from outcomes
    where
        octet_length(trained) = octet_length(in_train)
        and octet_length(trained) = octet_length(correct)
        and octet_length(trained) > 0
),
outside as (
    select
        objective,
        size,
        example_id,
        bit_count(in_train & ~trained) as in_train_outside,
        bit_count(correct & ~trained) as correct_outside
    from bits
)
select
    objective,
    size,
    example_id,
    in_train_outside,
    correct_outside
from outside
where in_train_outside > 0 or correct_outside > 0;

comment on view bits_outside_trained is
    'One row per outcome with bits of subsets that were never trained; must be empty.';
comment on column bits_outside_trained.objective is 'Training objective.';
comment on column bits_outside_trained.size is 'Name of the model size.';
comment on column bits_outside_trained.example_id is 'Example of the outcome.';
comment on column bits_outside_trained.in_train_outside is 'Bits of in_train outside trained.';
comment on column bits_outside_trained.correct_outside is 'Bits of correct outside trained.';
