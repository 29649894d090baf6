-- One row per outcome whose bit strings are not ceil(n_subsets / 8) bytes long.
create or replace view uneven_bits as
select
    o.objective,
    o.size,
    o.example_id,
    octet_length(o.trained) as trained_bytes,
    octet_length(o.in_train) as in_train_bytes,
    octet_length(o.correct) as correct_bytes,
    (s.n_subsets + 7) // 8 as expected_bytes
from outcomes as o
cross join study as s
where
    octet_length(o.trained) is distinct from (s.n_subsets + 7) // 8
    or octet_length(o.in_train) is distinct from (s.n_subsets + 7) // 8
    or octet_length(o.correct) is distinct from (s.n_subsets + 7) // 8;

comment on view uneven_bits is
    'One row per outcome whose bit strings are not ceil(n_subsets / 8) bytes; must be empty.';
comment on column uneven_bits.objective is 'Training objective.';
comment on column uneven_bits.size is 'Name of the model size.';
comment on column uneven_bits.example_id is 'Example of the outcome.';
comment on column uneven_bits.trained_bytes is 'Length of trained in bytes.';
comment on column uneven_bits.in_train_bytes is 'Length of in_train in bytes.';
comment on column uneven_bits.correct_bytes is 'Length of correct in bytes.';
comment on column uneven_bits.expected_bytes is 'Length that the number of subsets asks for.';
