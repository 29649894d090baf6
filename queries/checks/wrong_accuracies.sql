-- One row per model whose accuracies are not those of its bits.
--
-- A producer may take means of ten thousand bits in float32: differences up to 1e-5 are none.
create or replace view wrong_accuracies as
with
bits as (
    select
        o.objective,
        o.size,
        o.trained::bit as trained,
        o.in_train::bit as in_train,
        o.correct::bit as correct,
        s.n_subsets
    from outcomes as o
    cross join study as s
    where
        o.split = 'train'
        and octet_length(o.trained) = (s.n_subsets + 7) // 8
        and octet_length(o.in_train) = (s.n_subsets + 7) // 8
        and octet_length(o.correct) = (s.n_subsets + 7) // 8
),
read as (
    select
        m.model_id,
        m.accuracy_in,
        m.accuracy_out,
        get_bit(b.in_train, m.subset_id) = 1 as inside,
        get_bit(b.correct, m.subset_id) as correct
    from models as m
    inner join bits as b
        on m.objective = b.objective and m.size = b.size
    where m.subset_id between 0 and b.n_subsets - 1 and get_bit(b.trained, m.subset_id) = 1
),
measured as (
    select
        model_id,
        any_value(accuracy_in) as accuracy_in,
        any_value(accuracy_out) as accuracy_out,
        avg(correct) filter (inside) as accuracy_in_of_bits,
        avg(correct) filter (not inside) as accuracy_out_of_bits
    from read
    group by model_id
)
select
    model_id,
    accuracy_in,
    accuracy_in_of_bits,
    accuracy_out,
    accuracy_out_of_bits
from measured
where
    (accuracy_in is null) <> (accuracy_in_of_bits is null)
    or (accuracy_out is null) <> (accuracy_out_of_bits is null)
    or abs(accuracy_in - accuracy_in_of_bits) > 1e-5
    or abs(accuracy_out - accuracy_out_of_bits) > 1e-5;

comment on view wrong_accuracies is
    'One row per model whose accuracies are not those of its bits; must be empty.';
comment on column wrong_accuracies.model_id is 'Model (models.model_id).';
comment on column wrong_accuracies.accuracy_in is 'Its accuracy on training examples of its subset, between 0 and 1; NULL where unknown.';
comment on column wrong_accuracies.accuracy_in_of_bits is 'The same by its bits; NULL where its subset is empty.';
comment on column wrong_accuracies.accuracy_out is 'Its accuracy on training examples outside its subset, between 0 and 1; NULL where unknown.';
comment on column wrong_accuracies.accuracy_out_of_bits is 'The same by its bits; NULL where no example is outside.';
