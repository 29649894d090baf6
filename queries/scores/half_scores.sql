-- One row per objective, size, training example and half of the groups of models.
--
-- Two scores of the same example that share no model: what both halves say is no noise. The halves are
-- fixed with the study (models.half) and are the same for all sizes and objectives.
create or replace view half_scores as
with
subsets as (
    select
        subset_id,
        max(half) as half
    from models
    group by subset_id
),
-- Bit k is subset k, whether it has models or not; all bit strings of a store are equally long.
positions as (
    select unnest(range((select max(octet_length(trained)) * 8 from outcomes))) as subset_id
),
masks as (
    select
        h.half,
        string_agg(
            case when s.half = h.half then '1' else '0' end, '' order by p.subset_id
        )::bit as mask
    from positions as p
    cross join (values ('a'), ('b')) as h (half)
    left join subsets as s
        on p.subset_id = s.subset_id
    group by h.half
),
counts as (
    select
        o.objective,
        o.size,
        o.size_rank,
        o.example_id,
        m.half,
        bit_count(o.in_train::bit & m.mask)::integer as n_in,
        bit_count(o.trained::bit & m.mask)::integer as n_models,
        bit_count(o.in_train::bit & o.correct::bit & m.mask)::integer as hits_in,
        bit_count(o.correct::bit & m.mask)::integer as hits
    from outcomes as o
    cross join masks as m
    where o.split = 'train'
)
select
    objective,
    size,
    size_rank,
    example_id,
    half,
    n_in,
    n_models - n_in as n_out,
    hits_in,
    hits - hits_in as hits_out,
    hits_in / nullif(n_in, 0) - (hits - hits_in) / nullif(n_models - n_in, 0) as memorization
from counts;

comment on view half_scores is
    'One row per objective, size, training example and half of the groups. Scores that share no model.';
comment on column half_scores.objective is
    'Training objective: ''one_hot'', ''distilled'', or ''distilled_<name>''.';
comment on column half_scores.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column half_scores.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column half_scores.example_id is 'Training example (examples.example_id).';
comment on column half_scores.half is 'Half of the groups of models: ''a'' or ''b'' (models.half).';
comment on column half_scores.n_in is 'Models of the half trained with the example, from 0.';
comment on column half_scores.n_out is 'Models of the half trained without the example, from 0.';
comment on column half_scores.hits_in is
    'Models of the half trained with the example that classify it correctly.';
comment on column half_scores.hits_out is
    'Models of the half trained without the example that classify it correctly.';
comment on column half_scores.memorization is
    'hits_in / n_in - hits_out / n_out, -1 to 1; NULL where n_in = 0 or n_out = 0.';
