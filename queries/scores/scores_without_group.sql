-- One row per objective, size, training example and group of models: the score without that group.
--
-- For jackknife errors of anything that is computed from scores: with G groups and an estimate t_g of
-- each set of rows of a group_id, SE^2 = (G - 1)/G sum (t_g - mean t)^2 (Efron and Stein 1981, Annals
-- of Statistics 9:586). It tells what other models would change, for the same examples.
create or replace view scores_without_group as
with
subsets as (
    select
        subset_id,
        max(group_id) as group_id
    from models
    group by subset_id
),
-- Bit k is subset k, whether it has models or not; all bit strings of a store are equally long.
places as (
    select unnest(range((select max(octet_length(trained)) * 8 from outcomes))) as subset_id
),
masks as (
    select
        g.group_id,
        string_agg(
            case when s.group_id = g.group_id then '0' else '1' end, '' order by p.subset_id
        )::bit as others
    from places as p
    cross join (select distinct group_id from subsets) as g
    left join subsets as s
        on p.subset_id = s.subset_id
    group by g.group_id
),
members as (
    select distinct
        objective,
        size,
        group_id
    from models
),
counts as (
    select
        o.objective,
        o.size,
        o.size_rank,
        o.example_id,
        m.group_id,
        bit_count(o.in_train::bit & m.others)::integer as n_in,
        bit_count(o.trained::bit & m.others)::integer as n_models,
        bit_count(o.in_train::bit & o.correct::bit & m.others)::integer as hits_in,
        bit_count(o.correct::bit & m.others)::integer as hits
    from outcomes as o
    inner join members as g
        on o.objective = g.objective and o.size = g.size
    inner join masks as m
        on g.group_id = m.group_id
    where o.split = 'train'
)
select
    objective,
    size,
    size_rank,
    example_id,
    group_id,
    n_in,
    n_models - n_in as n_out,
    hits_in,
    hits - hits_in as hits_out,
    hits_in / nullif(n_in, 0) as accuracy_in,
    (hits - hits_in) / nullif(n_models - n_in, 0) as accuracy_out,
    hits_in / nullif(n_in, 0) - (hits - hits_in) / nullif(n_models - n_in, 0) as memorization
from counts;

comment on view scores_without_group is
    'One row per objective, size, training example and group of models. The score from all other groups, for jackknife errors.';
comment on column scores_without_group.objective is
    'Training objective: ''one_hot'', ''distilled'', or ''distilled_<name>''.';
comment on column scores_without_group.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column scores_without_group.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column scores_without_group.example_id is 'Training example (examples.example_id).';
comment on column scores_without_group.group_id is 'The group that is left out (models.group_id).';
comment on column scores_without_group.n_in is 'Other models trained with the example, from 0.';
comment on column scores_without_group.n_out is 'Other models trained without it, from 0.';
comment on column scores_without_group.hits_in is
    'Other models trained with the example that classify it correctly.';
comment on column scores_without_group.hits_out is
    'Other models trained without the example that classify it correctly.';
comment on column scores_without_group.accuracy_in is 'hits_in / n_in, 0 to 1; NULL where n_in = 0.';
comment on column scores_without_group.accuracy_out is
    'hits_out / n_out, 0 to 1; NULL where n_out = 0.';
comment on column scores_without_group.memorization is
    'accuracy_in - accuracy_out, -1 to 1; NULL where n_in = 0 or n_out = 0.';
