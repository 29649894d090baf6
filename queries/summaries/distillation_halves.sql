-- One row per distilled objective, size, compared objective and occupied cell of two scores, each from one
-- half of the groups of models.
--
-- How do distilled scores spread where the one_hot score is what it is? share_of_one_hot is conditional on
-- the column of the one_hot score, and each column sums to 1. Both scores carry noise, which alone pulls
-- them apart: examples with a high one_hot score were partly lucky. So the one_hot score is from one half of
-- the groups, and against it stand, from the other half, the distilled score and the one_hot score again
-- (compared): what distillation does is the difference between these two. Both ways to assign the halves
-- count. Cells follow the possible scores, as in distillation_density.
create or replace view distillation_halves as
with
lattice as (
    select
        objective,
        size,
        quantile_disc(n_out, 0.5)::double as n_out,
        greatest(1, round(quantile_disc(n_out, 0.5) / 10)) as step
    from half_scores
    where memorization is not null
    group by objective, size
),
-- The allowance puts scores that rounding left just below an edge onto it.
binned as (
    select
        s.*,
        l.step / l.n_out as width,
        0.5 / l.n_out as half_step,
        floor((s.memorization * l.n_out + 0.5) / l.step + 1e-9) as bin
    from half_scores as s
    inner join lattice as l
        on s.objective = l.objective and s.size = l.size
    where s.memorization is not null
),
students as (
    select distinct
        objective,
        size
    from binned
    where starts_with(objective, 'distilled')
),
pairs as (
    select
        t.objective,
        x.size,
        x.size_rank,
        case when y.objective = 'one_hot' then 'one_hot' else 'distilled' end as compared,
        x.bin * x.width - x.half_step as one_hot_low,
        (x.bin + 1) * x.width - x.half_step as one_hot_high,
        y.bin * y.width - y.half_step as score_low,
        (y.bin + 1) * y.width - y.half_step as score_high,
        y.memorization as score
    from students as t
    inner join binned as x
        on t.size = x.size and x.objective = 'one_hot'
    inner join binned as y
        on
            x.size = y.size
            and x.example_id = y.example_id
            and x.half != y.half
            and y.objective in ('one_hot', t.objective)
),
cells as (
    select
        objective,
        size,
        size_rank,
        compared,
        one_hot_low,
        one_hot_high,
        score_low,
        score_high,
        count(*) / 2 as n_examples,
        sum(score) / 2 as total
    from pairs
    group by all
)
select
    objective,
    size,
    size_rank,
    compared,
    one_hot_low,
    one_hot_high,
    score_low,
    score_high,
    n_examples,
    n_examples / sum(n_examples) over given_one_hot as share_of_one_hot,
    sum(n_examples) over given_one_hot as n_one_hot,
    sum(total) over given_one_hot / sum(n_examples) over given_one_hot as mean_score
from cells
window given_one_hot as (partition by objective, size, compared, one_hot_low)
order by objective, size_rank, compared, one_hot_low, score_low;

comment on view distillation_halves is
    'One row per distilled objective, size, compared objective and cell of scores from opposite halves of the groups.';
comment on column distillation_halves.objective is
    '''distilled'', or ''distilled_<name>'' for another distillation setting.';
comment on column distillation_halves.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column distillation_halves.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column distillation_halves.compared is
    'What stands against the one_hot score: ''distilled'', or ''one_hot'' from the other half, which shows what noise alone does.';
comment on column distillation_halves.one_hot_low is
    'Lower edge of the bin of the one_hot score, half a step of 1 / n_out below a possible score.';
comment on column distillation_halves.one_hot_high is 'Upper edge of that bin.';
comment on column distillation_halves.score_low is
    'Lower edge of the bin of the compared score, from the other half of the groups.';
comment on column distillation_halves.score_high is 'Upper edge of that bin.';
comment on column distillation_halves.n_examples is
    'Training examples in the cell, mean over both ways to assign the halves, from .5.';
comment on column distillation_halves.share_of_one_hot is
    'Share of the examples in the same bin of the one_hot score that lie in the cell, 0 to 1.';
comment on column distillation_halves.n_one_hot is
    'Training examples in the column: the same bin of the one_hot score.';
comment on column distillation_halves.mean_score is
    'Mean compared score of the column, -1 to 1; the same in all of its cells.';
