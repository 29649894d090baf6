-- One row per objective, size and training example: who helps one example.
--
-- Influence (Feldman and Zhang 2020, arXiv 2008.03703) of every training example on one example of
-- either split: accuracy of the models trained with it minus that of the others, from the bits,
-- without any threshold. For a training example the row with train_id = test_id is its
-- memorization. One size at a time by `where size = ...`. Rank by influence / std_error as well:
-- with few models the largest of some thousand influences is mostly noise (influence_summary).
create or replace macro influence_on(example bigint := 0) as table
with
helped as (
    select
        objective,
        size,
        split,
        label as helped_label,
        correct::bit as hits
    from outcomes
    where example_id = example
),
counts as (
    select
        h.objective,
        h.size,
        o.size_rank,
        o.example_id as train_id,
        example as test_id,
        h.split,
        h.helped_label = o.label as same_class,
        bit_count(o.in_train::bit)::integer as n_in,
        (o.n_models - bit_count(o.in_train::bit))::integer as n_out,
        bit_count(o.in_train::bit & h.hits)::integer as hits_in,
        (bit_count(h.hits) - bit_count(o.in_train::bit & h.hits))::integer as hits_out
    from helped as h
    inner join outcomes as o
        on h.objective = o.objective and h.size = o.size
    where o.split = 'train'
),
rates as (
    select
        *,
        hits_in / nullif(n_in, 0) as rate_in,
        hits_out / nullif(n_out, 0) as rate_out,
        (hits_in + 1) / (n_in + 2) as smooth_in,
        (hits_out + 1) / (n_out + 2) as smooth_out
    from counts
)
select
    objective,
    size,
    size_rank,
    train_id,
    test_id,
    split,
    same_class,
    n_in,
    n_out,
    hits_in,
    hits_out,
    rate_in as accuracy_in,
    rate_out as accuracy_out,
    case
        when n_in > 0 and n_out > 0
            then
                sqrt(
                    smooth_in * (1 - smooth_in) / n_in + smooth_out * (1 - smooth_out) / n_out
                )
    end as std_error,
    rate_in - rate_out as influence
from rates;

comment on macro table influence_on is
    'One row per objective, size and training example. Influence of every training example on the example example := 0 of either split, from the bits.';
