-- One row per distilled objective, size and occupied cell of the joint histogram of both scores.
--
-- Bins of width .05; a score of 1 belongs to the last bin. Cells without examples are left out.
-- share_of_one_hot is conditional on the column of the one_hot score: how distilled scores spread
-- where the one_hot score is what it is. Where few examples lie the joint histogram is pale and the
-- conditional one is not.
create or replace view distillation_density as
-- The allowance puts scores that rounding left just below an edge onto it.
with
binned as (
    select
        objective,
        size,
        size_rank,
        least(floor(memorization_one_hot * 20 + 1e-9), 19) as one_hot_step,
        least(floor(memorization_distilled * 20 + 1e-9), 19) as distilled_step
    from distillation
    where memorization_one_hot is not null and memorization_distilled is not null
),
cells as (
    select
        objective,
        size,
        size_rank,
        one_hot_step,
        distilled_step,
        count(*) as n_examples
    from binned
    group by objective, size, size_rank, one_hot_step, distilled_step
)
select
    objective,
    size,
    size_rank,
    one_hot_step / 20 as one_hot_low,
    (one_hot_step + 1) / 20 as one_hot_high,
    distilled_step / 20 as distilled_low,
    (distilled_step + 1) / 20 as distilled_high,
    n_examples,
    n_examples / sum(n_examples) over (partition by objective, size, one_hot_step)
        as share_of_one_hot
from cells
order by objective, size_rank, one_hot_low, distilled_low;

comment on view distillation_density is
    'One row per distilled objective, size and occupied cell of the histogram of both scores.';
comment on column distillation_density.objective is
    '''distilled'', or ''distilled_<name>'' for another way of teaching.';
comment on column distillation_density.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column distillation_density.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column distillation_density.one_hot_low is
    'Lower edge of the bin of memorization with one_hot, included, -1 to .95.';
comment on column distillation_density.one_hot_high is 'Upper edge of that bin, -.95 to 1.';
comment on column distillation_density.distilled_low is
    'Lower edge of the bin of memorization with distillation, included, -1 to .95.';
comment on column distillation_density.distilled_high is 'Upper edge of that bin, -.95 to 1.';
comment on column distillation_density.n_examples is 'Training examples in the cell, from 1.';
comment on column distillation_density.share_of_one_hot is
    'Share of the examples in the same bin of the one_hot score that lie in the cell, 0 to 1.';
