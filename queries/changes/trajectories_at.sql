-- One row per objective and training example: kinds of trajectory by the plain threshold rule.
--
-- With m_1 .. m_L in order of size, and every comparison including alpha itself: 'fixed' if
-- max - min < alpha; 'cap' if an interior size exceeds both ends by alpha, 'u' mirrored, neither if
-- both hold; 'increasing' if m_L - m_1 >= alpha with no drop >= alpha from any size to a later one,
-- 'decreasing' mirrored; else 'mixed'. 'undetermined' where a size has no score. The rule takes
-- estimates at face value: see trajectory_shares.noise_share for what noise alone puts where.
create or replace macro trajectories_at(alpha double := 0.2) as table
with
-- Scores are multiples of 1/(n_in n_out) and often tie with alpha, but floats such as .95 - .75
-- fall short of .2. The allowance is far below any real step, so ties count as reached.
threshold as (
    select alpha - 1e-11 as reach
),
courses as (
    select
        objective,
        example_id,
        memorization as m,
        first_value(memorization) over course as m_first,
        last_value(memorization) over course as m_last,
        max(memorization) over earlier - memorization as drop_to,
        memorization - min(memorization) over earlier as rise_to
    from memorization
    where split = 'train'
    window
        course as (
            partition by objective, example_id
            order by size_rank
            rows between unbounded preceding and unbounded following
        ),
        earlier as (
            partition by objective, example_id
            order by size_rank
            rows between unbounded preceding and current row
        )
),
turns as (
    select
        objective,
        example_id,
        count(*) > count(m) or count(*) < 2 as incomplete,
        max(m) - min(m) as extent,
        any_value(m_last - m_first) as change,
        max(m - greatest(m_first, m_last)) as above_ends,
        max(least(m_first, m_last) - m) as below_ends,
        max(drop_to) as drop_size,
        max(rise_to) as rise_size
    from courses
    group by objective, example_id
),
shapes as (
    select
        objective,
        example_id,
        case
            when incomplete then 'undetermined'
            when extent < reach then 'fixed'
            when above_ends >= reach and below_ends >= reach then 'mixed'
            when above_ends >= reach then 'cap'
            when below_ends >= reach then 'u'
            when change >= reach and drop_size < reach then 'increasing'
            when -change >= reach and rise_size < reach then 'decreasing'
            else 'mixed'
        end as shape
    from turns
    cross join threshold
)
select
    objective,
    example_id,
    shape,
    case when shape in ('cap', 'u') then 'mixed' else shape end as direction
from shapes;

comment on macro table trajectories_at is
    'One row per objective and training example: shape and direction by the plain threshold rule, where alpha := 0.2 (above 0, in memorization) is the smallest change that counts.';
