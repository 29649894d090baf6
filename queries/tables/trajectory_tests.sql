-- One row per objective and training example.
-- Tests of the change of memorisation over sizes, computed by build; the relation `trajectories` joins
-- them with the changes themselves. Rules: docs of the shapes in `trajectories`.
create or replace view trajectory_tests as
select
    objective,
    example_id,
    shape,
    direction,
    p_value,
    q_value,
    alpha
from read_parquet(coalesce(getvariable('store'), '.') || '/derived/trajectory_tests.parquet');

comment on view trajectory_tests is
    'One row per objective and training example. Shape, direction and significance of each trajectory.';
comment on column trajectory_tests.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column trajectory_tests.example_id is
    'Example, 0 to n - 1: training examples first, in their original order, then test examples.';
comment on column trajectory_tests.shape is
    '''fixed'', ''increasing'', ''decreasing'', ''cap'', ''u'', ''mixed'' or ''undetermined'', with intervals.';
comment on column trajectory_tests.direction is
    '''fixed'', ''increasing'', ''decreasing'', ''mixed'' or ''undetermined''.';
comment on column trajectory_tests.p_value is
    'Two-sided p-value of no change between first and last size, 0 to 1; NULL where it cannot be tested.';
comment on column trajectory_tests.q_value is
    'Benjamini-Hochberg q-value over the examples of the objective, 0 to 1.';
comment on column trajectory_tests.alpha is
    'Smallest change that counts, in memorisation; NULL where there are too few models for shapes.';
