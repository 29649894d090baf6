-- One row per objective, sizes and statistic.
-- How each statistic of bimodality moves with size: from the first size to the last, and its least-squares
-- slope on the rank of the size. Intervals leave out one group of models at a time, with all its sizes.
create or replace view bimodality_trends as
select
    objective,
    sizes,
    statistic,
    first,
    last,
    change,
    change_low,
    change_high,
    slope,
    slope_low,
    slope_high,
    n_sizes,
    n_groups
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/bimodality_trends.parquet');

comment on view bimodality_trends is
    'One row per objective, sizes and statistic. How the measures of bimodality move with size.';
comment on column bimodality_trends.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column bimodality_trends.sizes is
    'Which sizes: ''all'', or ''saturated'' (mean accuracy_in at least .99; no rows below two of them).';
comment on column bimodality_trends.statistic is
    'Column of bimodality that the row is about; ''polarisation'' is the primary one.';
comment on column bimodality_trends.first is
    'Value at the first size; NULL where it cannot be estimated.';
comment on column bimodality_trends.last is
    'Value at the last size; NULL where it cannot be estimated.';
comment on column bimodality_trends.change is
    'last - first. Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality_trends.change_low is
    'Lower 95 % limit of change; NULL where it cannot be estimated.';
comment on column bimodality_trends.change_high is
    'Upper 95 % limit of change; NULL where it cannot be estimated.';
comment on column bimodality_trends.slope is
    'Slope per step of size (least squares on size_rank). Interval: delete-one-group jackknife, t(G - 1).';
comment on column bimodality_trends.slope_low is
    'Lower 95 % limit of slope; NULL where it cannot be estimated.';
comment on column bimodality_trends.slope_high is
    'Upper 95 % limit of slope; NULL where it cannot be estimated.';
comment on column bimodality_trends.n_sizes is 'Sizes behind the slope, from 2.';
comment on column bimodality_trends.n_groups is
    'Groups of models behind the estimate, from 0: the unit of resampling.';
