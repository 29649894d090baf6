-- One row per objective, size and bin of memorisation, empty bins included.
--
-- 40 bins of width .05 over [-1, 1], each with its lower edge; the last one holds 1 as well.
create or replace view memorization_histogram as
with
conditions as (
    select distinct
        objective,
        size,
        size_rank
    from outcomes
),
-- Scores such as .35 = 1 - .65 fall a rounding error below their edge; the allowance puts them on it.
binned as (
    select
        objective,
        size,
        least(floor(memorization * 20 + 1e-9), 19)::integer as step
    from memorization
    where memorization is not null
),
counted as (
    select
        objective,
        size,
        step,
        count(*) as n_examples
    from binned
    group by objective, size, step
),
grid as (
    select
        objective,
        size,
        size_rank,
        unnest(range(-20, 20)) as step
    from conditions
)
select
    g.objective,
    g.size,
    g.size_rank,
    (g.step + 20)::integer as bin,
    g.step / 20 as bin_low,
    (g.step + 1) / 20 as bin_high,
    coalesce(c.n_examples, 0) as n_examples,
    coalesce(c.n_examples, 0)
    / nullif(sum(c.n_examples) over (partition by g.objective, g.size), 0) as share
from grid as g
left join counted as c
    on g.objective = c.objective and g.size = c.size and g.step = c.step
order by g.objective desc, g.size_rank, g.step;

comment on view memorization_histogram is
    'One row per objective, size and bin of memorisation, empty bins included.';
comment on column memorization_histogram.objective is
    'Training objective: ''one_hot'' or ''distilled''.';
comment on column memorization_histogram.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column memorization_histogram.size_rank is
    'Place of the size in the study, 0 = smallest.';
comment on column memorization_histogram.bin is 'Number of the bin, 0 to 39.';
comment on column memorization_histogram.bin_low is
    'Lower edge, included, in memorization, -1 to .95.';
comment on column memorization_histogram.bin_high is
    'Upper edge, excluded but for the last bin, in memorization, -.95 to 1.';
comment on column memorization_histogram.n_examples is 'Training examples in the bin, from 0.';
comment on column memorization_histogram.share is
    'n_examples as a share of the size''s examples with a score, 0 to 1.';
