-- One row per example with in_train or correct bits of subsets that were never trained.
--
-- Rows of unequal length are left to uneven_bits: `&` on them would fail the whole query.
create or replace view bits_outside_trained as
with
recorded as (
    select
        'outcomes' as relation,
        objective,
        size,
        null as epoch,
        example_id,
        trained,
        in_train,
        correct
    from outcomes
    union all
    select
        'epoch_outcomes' as relation,
        objective,
        size,
        epoch,
        example_id,
        trained,
        trained,
        correct
    from epoch_outcomes
    union all
    select
        'repeats' as relation,
        objective,
        size,
        null as epoch,
        example_id,
        trained,
        trained,
        correct
    from repeats
),
bits as (
    select
        relation,
        objective,
        size,
        epoch,
        example_id,
        trained::bit as trained,
        in_train::bit as in_train,
        correct::bit as correct
    from recorded
    where
        octet_length(trained) = octet_length(in_train)
        and octet_length(trained) = octet_length(correct)
        and octet_length(trained) > 0
),
outside as (
    select
        relation,
        objective,
        size,
        epoch,
        example_id,
        bit_count(in_train & ~trained) as in_train_outside,
        bit_count(correct & ~trained) as correct_outside
    from bits
)
select
    relation,
    objective,
    size,
    epoch,
    example_id,
    in_train_outside,
    correct_outside
from outside
where in_train_outside > 0 or correct_outside > 0;

comment on view bits_outside_trained is
    'One row per example with bits of subsets that were never trained; must be empty.';
comment on column bits_outside_trained.relation is 'Table of the row: ''outcomes'', ''epoch_outcomes'' or ''repeats''.';
comment on column bits_outside_trained.objective is 'Training objective.';
comment on column bits_outside_trained.size is 'Name of the model size.';
comment on column bits_outside_trained.epoch is 'Epoch of the evaluation; NULL outside epoch_outcomes.';
comment on column bits_outside_trained.example_id is 'Example of the row.';
comment on column bits_outside_trained.in_train_outside is 'Bits of in_train outside trained; 0 outside outcomes.';
comment on column bits_outside_trained.correct_outside is 'Bits of correct outside trained.';
