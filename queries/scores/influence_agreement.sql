-- One row per attribution, objective, size and test example: do a tool's scores rank as influence does?
--
-- Influence is that of influence_on (Feldman and Zhang 2020, arXiv 2008.03703), over the training examples
-- that were both in and out of some models. rank_correlation is Spearman's, ties at their mean rank; where
-- ties are at the border of the strongest, overlaps are means over their orders. Our own influence has noise,
-- above all with few models, which keeps all three low: compare tools with one another, at one size.
create or replace view influence_agreement as
with
helped as (
    select distinct
        a.name,
        o.objective,
        o.size,
        a.test_id,
        o.correct::bit as hits
    from (select distinct name, test_id from attributions) as a
    inner join outcomes as o
        on a.test_id = o.example_id
),
counts as (
    select
        h.name,
        h.objective,
        h.size,
        o.size_rank,
        h.test_id,
        o.example_id as train_id,
        o.n_models,
        bit_count(o.in_train::bit) as n_in,
        bit_count(o.in_train::bit & h.hits) as hits_in,
        bit_count(h.hits) as hits
    from helped as h
    inner join outcomes as o
        on h.objective = o.objective and h.size = o.size
    where o.split = 'train' and h.test_id <> o.example_id
),
-- Equal fractions are equal: rounding takes away what floating point makes of them.
pairs as (
    select
        c.name,
        c.objective,
        c.size,
        c.size_rank,
        c.test_id,
        c.n_models,
        a.score,
        round(c.hits_in / c.n_in - (c.hits - c.hits_in) / (c.n_models - c.n_in), 9) as influence
    from counts as c
    inner join attributions as a
        on c.name = a.name and c.test_id = a.test_id and c.train_id = a.train_id
    where c.n_in > 0 and c.n_in < c.n_models
),
ranked as (
    select
        *,
        rank() over (example order by influence desc) as place_influence,
        count(*) over (partition by name, objective, size, test_id, influence) as ties_influence,
        rank() over (example order by score desc) as place_score,
        count(*) over (partition by name, objective, size, test_id, score) as ties_score
    from pairs
    window example as (partition by name, objective, size, test_id)
),
-- Of ties at the border, each is among the strongest with the same probability.
placed as (
    select
        *,
        place_influence + (ties_influence - 1) / 2 as rank_influence,
        place_score + (ties_score - 1) / 2 as rank_score,
        greatest(0, least(1, (11 - place_influence) / ties_influence)) as ten_by_influence,
        greatest(0, least(1, (11 - place_score) / ties_score)) as ten_by_score,
        greatest(0, least(1, (101 - place_influence) / ties_influence)) as hundred_by_influence,
        greatest(0, least(1, (101 - place_score) / ties_score)) as hundred_by_score
    from ranked
)
select
    name,
    objective,
    size,
    size_rank,
    test_id,
    max(n_models) as n_models,
    count(*) as n_examples,
    case
        when count(distinct influence) > 1 and count(distinct score) > 1
            then corr(rank_influence, rank_score)
    end as rank_correlation,
    sum(ten_by_influence * ten_by_score) / least(10, count(*)) as overlap_10,
    sum(hundred_by_influence * hundred_by_score) / least(100, count(*)) as overlap_100
from placed
group by name, objective, size, size_rank, test_id;

comment on view influence_agreement is
    'One row per attribution, objective, size and test example. How the scores of tools of data attribution (attributions) agree with influence over the training examples.';
comment on column influence_agreement.name is 'Name of the attribution (attributions.name).';
comment on column influence_agreement.objective is
    'Training objective: ''one_hot'', ''distilled'', or ''distilled_<name>''.';
comment on column influence_agreement.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column influence_agreement.size_rank is
    'Place of the size in the study, 0 = smallest.';
comment on column influence_agreement.test_id is 'The example that is helped (examples.example_id).';
comment on column influence_agreement.n_models is 'Models that influence is measured with.';
comment on column influence_agreement.n_examples is
    'Training examples that some models had and others lacked, without test_id itself.';
comment on column influence_agreement.rank_correlation is
    'Spearman''s correlation of score and influence over these, -1 to 1; NULL where either is constant.';
comment on column influence_agreement.overlap_10 is
    'Share of the ten strongest by score that are among the ten of highest influence, 0 to 1; by chance 10 / n_examples.';
comment on column influence_agreement.overlap_100 is
    'The same of the strongest hundred; by chance 100 / n_examples.';
