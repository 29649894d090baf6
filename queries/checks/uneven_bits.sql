-- One row per bit string, or string of margins, that is not as long as the number of subsets asks for.
--
-- Bits take ceil(n_subsets / 8) bytes, margins a byte for each subset.
create or replace view uneven_bits as
with
recorded as (
    select
        'outcomes' as relation,
        objective,
        size,
        example_id,
        trained,
        in_train,
        correct
    from outcomes
    union all by name
    select
        'epoch_outcomes' as relation,
        objective,
        size,
        example_id,
        trained,
        correct
    from epoch_outcomes
    union all by name
    select
        'repeats' as relation,
        objective,
        size,
        example_id,
        trained,
        correct
    from repeats
),
measured as (
    select
        relation,
        objective,
        size,
        example_id,
        octet_length(trained) as trained_bytes,
        octet_length(in_train) as in_train_bytes,
        octet_length(correct) as correct_bytes,
        null as margins_bytes
    from recorded
    union all
    select
        'margins' as relation,
        objective,
        size,
        example_id,
        null as trained_bytes,
        null as in_train_bytes,
        null as correct_bytes,
        octet_length(margins) as margins_bytes
    from margins
)
select
    m.relation,
    m.objective,
    m.size,
    m.example_id,
    m.trained_bytes,
    m.in_train_bytes,
    m.correct_bytes,
    m.margins_bytes,
    if(m.relation = 'margins', s.n_subsets, (s.n_subsets + 7) // 8) as expected_bytes
from measured as m
cross join study as s
where
    if(
        m.relation = 'margins',
        m.margins_bytes <> s.n_subsets,
        m.trained_bytes is distinct from (s.n_subsets + 7) // 8
        or m.correct_bytes is distinct from (s.n_subsets + 7) // 8
        or (
            m.relation = 'outcomes'
            and m.in_train_bytes is distinct from (s.n_subsets + 7) // 8
        )
    );

comment on view uneven_bits is
    'One row per bit string, or string of margins, of another length than the number of subsets asks for; must be empty.';
comment on column uneven_bits.relation is 'Table of the row: ''outcomes'', ''epoch_outcomes'', ''repeats'' or ''margins''.';
comment on column uneven_bits.objective is 'Training objective.';
comment on column uneven_bits.size is 'Name of the model size.';
comment on column uneven_bits.example_id is 'Example of the row.';
comment on column uneven_bits.trained_bytes is 'Length of trained in bytes; NULL in margins.';
comment on column uneven_bits.in_train_bytes is 'Length of in_train in bytes; NULL outside outcomes.';
comment on column uneven_bits.correct_bytes is 'Length of correct in bytes; NULL in margins.';
comment on column uneven_bits.margins_bytes is 'Length of margins in bytes; NULL outside margins.';
comment on column uneven_bits.expected_bytes is 'Length that the number of subsets asks for.';
