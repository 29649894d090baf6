-- One row per size and example of which some subsets were trained on a second time.
--
-- Two models of one subset that differ in seeds alone disagree with chance 2 E[p (1 - p)], where p
-- is the chance that a seed is right on that subset, so half the share of disagreements estimates
-- the variance by seeds. The variance of all models' outcomes, n/(n - 1) r (1 - r) of a rate r,
-- estimates that of subsets and seeds together (law of total variance).
create or replace view seed_variance as
with
counts as (
    select
        r.objective,
        r.size,
        r.size_rank,
        r.example_id,
        o.split,
        bit_count(o.in_train::bit)::integer as n_in,
        (o.n_models - bit_count(o.in_train::bit))::integer as n_out,
        bit_count(o.in_train::bit & o.correct::bit)::integer as hits_in,
        bit_count(~o.in_train::bit & o.correct::bit)::integer as hits_out,
        bit_count(o.in_train::bit & r.trained::bit & o.trained::bit)::integer as pairs_in,
        bit_count(~o.in_train::bit & r.trained::bit & o.trained::bit)::integer as pairs_out,
        bit_count(
            o.in_train::bit & r.trained::bit & o.trained::bit & xor(o.correct::bit, r.correct::bit)
        )::integer as differ_in,
        bit_count(
            ~o.in_train::bit & r.trained::bit & o.trained::bit
            & xor(o.correct::bit, r.correct::bit)
        )::integer as differ_out
    from repeats as r
    inner join outcomes as o using (objective, size, example_id)
)
select
    objective,
    size,
    size_rank,
    example_id,
    split,
    n_in,
    n_out,
    pairs_in,
    pairs_out,
    differ_in / nullif(2 * pairs_in, 0) as seed_variance_in,
    differ_out / nullif(2 * pairs_out, 0) as seed_variance_out,
    hits_in * (n_in - hits_in) / nullif(n_in * (n_in - 1), 0) as variance_in,
    hits_out * (n_out - hits_out) / nullif(n_out * (n_out - 1), 0) as variance_out
from counts;

comment on view seed_variance is
    'One row per size and example of both splits. How much of the spread of outcomes seeds alone make; zero rows where no subset has a second model.';
comment on column seed_variance.objective is 'Training objective: ''one_hot''.';
comment on column seed_variance.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column seed_variance.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column seed_variance.example_id is 'Example (examples.example_id).';
comment on column seed_variance.split is '''train'' or ''test''; test examples are in no subset.';
comment on column seed_variance.n_in is 'Models trained with the example, from 0.';
comment on column seed_variance.n_out is 'Models trained without the example, from 0.';
comment on column seed_variance.pairs_in is
    'Subsets with the example that have two models of different seeds, from 0.';
comment on column seed_variance.pairs_out is
    'Subsets without the example that have two models of different seeds, from 0.';
comment on column seed_variance.seed_variance_in is
    'Variance of correctness by seeds, given the subset, with the example in it: half the share of pairs that disagree, 0 to .5 (its expectation at most .25); NULL where pairs_in = 0.';
comment on column seed_variance.seed_variance_out is
    'The same for subsets without the example; NULL where pairs_out = 0.';
comment on column seed_variance.variance_in is
    'Variance of correctness by subsets and seeds together, over the n_in models, 0 to .5; NULL below two.';
comment on column seed_variance.variance_out is
    'The same over the n_out models; NULL below two.';
