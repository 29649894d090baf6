-- One row per objective, size, epoch with a clean evaluation and training example.
-- The score of memorization (Feldman and Zhang 2020), of the models as they were after that epoch.
create or replace view memorization_by_epoch as
with
counts as (
    select
        e.objective,
        e.size,
        e.size_rank,
        e.epoch,
        e.example_id,
        bit_count(o.in_train::bit & e.trained::bit)::integer as n_in,
        bit_count(~o.in_train::bit & e.trained::bit)::integer as n_out,
        bit_count(o.in_train::bit & e.correct::bit)::integer as hits_in,
        bit_count(~o.in_train::bit & e.correct::bit)::integer as hits_out
    from epoch_outcomes as e
    inner join outcomes as o using (objective, size, example_id)
)
select
    objective,
    size,
    size_rank,
    epoch,
    example_id,
    n_in,
    n_out,
    hits_in / nullif(n_in, 0) as accuracy_in,
    hits_out / nullif(n_out, 0) as accuracy_out,
    hits_in / nullif(n_in, 0) - hits_out / nullif(n_out, 0) as memorization,
    case
        when n_in > 0 and n_out > 0
            then
                sqrt(
                    (hits_in + 1) * (n_in - hits_in + 1) / ((n_in + 2) ** 2 * n_in)
                    + (hits_out + 1) * (n_out - hits_out + 1) / ((n_out + 2) ** 2 * n_out)
                )
    end as std_error
from counts;

comment on view memorization_by_epoch is
    'One row per objective, size, epoch with a clean evaluation and training example. Memorisation during training; zero rows where no epoch was evaluated.';
comment on column memorization_by_epoch.objective is
    'Training objective: ''one_hot'' or ''distilled''.';
comment on column memorization_by_epoch.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column memorization_by_epoch.size_rank is
    'Place of the size in the study, 0 = smallest.';
comment on column memorization_by_epoch.epoch is
    'Epoch after which models were evaluated, from 1.';
comment on column memorization_by_epoch.example_id is 'Training example (examples.example_id).';
comment on column memorization_by_epoch.n_in is
    'Models with this evaluation that were trained with the example, from 0.';
comment on column memorization_by_epoch.n_out is
    'Models with this evaluation that were trained without the example, from 0.';
comment on column memorization_by_epoch.accuracy_in is
    'Share of the n_in models that classify the example correctly, 0 to 1; NULL where n_in = 0.';
comment on column memorization_by_epoch.accuracy_out is
    'Share of the n_out models that classify the example correctly, 0 to 1; NULL where n_out = 0.';
comment on column memorization_by_epoch.memorization is
    'accuracy_in - accuracy_out, -1 to 1; NULL where either is.';
comment on column memorization_by_epoch.std_error is
    'Standard error of memorization, above 0, from (k + 1)/(n + 2) rates; NULL where it is.';
