-- One row per distilled objective, size and occupied cell of the joint histogram of both scores.
--
-- Cells follow the possible scores, as in memorization_histogram: round(n_out / 10), at least 1, possible
-- values of k_out wide along each axis, n_out the median of that objective. 0 opens a bin.
create or replace view distillation_density as
with
lattice as (
    select
        objective,
        size,
        quantile_disc(n_out, 0.5)::double as n_out,
        greatest(1, round(quantile_disc(n_out, 0.5) / 10)) as step
    from memorization
    where memorization is not null
    group by objective, size
),
-- The allowance puts scores that rounding left just below an edge onto it.
binned as (
    select
        d.objective,
        d.size,
        d.size_rank,
        a.step / a.n_out as one_hot_width,
        b.step / b.n_out as distilled_width,
        0.5 / a.n_out as one_hot_half,
        0.5 / b.n_out as distilled_half,
        floor((d.memorization_one_hot * a.n_out + 0.5) / a.step + 1e-9) as one_hot_bin,
        floor((d.memorization_distilled * b.n_out + 0.5) / b.step + 1e-9) as distilled_bin
    from distillation as d
    inner join lattice as a
        on d.size = a.size and a.objective = 'one_hot'
    inner join lattice as b
        on d.size = b.size and d.objective = b.objective
    where d.memorization_one_hot is not null and d.memorization_distilled is not null
)
select
    objective,
    size,
    size_rank,
    one_hot_bin * one_hot_width - one_hot_half as one_hot_low,
    (one_hot_bin + 1) * one_hot_width - one_hot_half as one_hot_high,
    distilled_bin * distilled_width - distilled_half as distilled_low,
    (distilled_bin + 1) * distilled_width - distilled_half as distilled_high,
    count(*) as n_examples
from binned
group by all
order by objective, size_rank, one_hot_low, distilled_low;

comment on view distillation_density is
    'One row per distilled objective, size and occupied cell of the histogram of both scores.';
comment on column distillation_density.objective is
    '''distilled'', or ''distilled_<name>'' for another distillation setting.';
comment on column distillation_density.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column distillation_density.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column distillation_density.one_hot_low is
    'Lower edge of the bin of memorization with one_hot, half a step of 1 / n_out below a score.';
comment on column distillation_density.one_hot_high is 'Upper edge of that bin.';
comment on column distillation_density.distilled_low is
    'Lower edge of the bin of memorization with distillation, half a step below a score.';
comment on column distillation_density.distilled_high is 'Upper edge of that bin.';
comment on column distillation_density.n_examples is 'Training examples in the cell, from 1.';
