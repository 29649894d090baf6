-- One row per objective, size and bin of the held-out error rate, with what both fits expect.
--
-- Of the n_out models trained without an example, k err. Observed are shares of training examples by
-- k / n_out; expected are the Beta-binomial probabilities of the fits in beta_binomial, averaged over the
-- examples' n_out:
--     P(k) = C(n, k) B(k + a, n - k + b) / B(a, b),  a = mean precision, b = (1 - mean) precision,
-- for one Beta and for the mixture of two. Bins are round(n_out / 20), at least 1, values of k wide, n_out
-- the median, and begin half a step below a possible rate.
create or replace view held_out_errors as
with
counts as (
    select
        objective,
        size,
        size_rank,
        n_out,
        n_out - hits_out as errors,
        count(*) as n_examples
    from memorization
    where split = 'train' and memorization is not null
    group by objective, size, size_rank, n_out, n_out - hits_out
),
lattice as (
    select
        objective,
        size,
        size_rank,
        quantile_disc(n_out, 0.5)::double as n_out,
        greatest(1, round(quantile_disc(n_out, 0.5) / 20)) as step
    from memorization
    where split = 'train' and memorization is not null
    group by objective, size, size_rank
),
shares as (
    select
        objective,
        size,
        n_out,
        sum(n_examples) as n_examples,
        sum(n_examples) / sum(sum(n_examples)) over (partition by objective, size) as share
    from counts
    group by objective, size, n_out
),
possible as (
    select
        *,
        unnest(range(0, n_out + 1)) as errors
    from shares
),
-- Shape parameters (a, b) of the single Beta, of the lower and of the upper component.
shapes as (
    select
        objective,
        size,
        high_weight,
        [mean * precision, low_mean * low_precision, high_mean * high_precision] as a,
        [
            (1 - mean) * precision,
            (1 - low_mean) * low_precision,
            (1 - high_mean) * high_precision
        ] as b
    from beta_binomial
),
likely as (
    select
        p.objective,
        p.size,
        p.n_out,
        p.errors,
        p.share,
        s.high_weight,
        list_transform(
            [1, 2, 3],
            lambda i: exp(
                lgamma(p.n_out + 1) - lgamma(p.errors + 1) - lgamma(p.n_out - p.errors + 1)
                + lgamma(p.errors + s.a[i]) + lgamma(p.n_out - p.errors + s.b[i])
                - lgamma(p.n_out + s.a[i] + s.b[i])
                + lgamma(s.a[i] + s.b[i]) - lgamma(s.a[i]) - lgamma(s.b[i])
            )
        ) as probability
    from possible as p
    left join shapes as s
        on p.objective = s.objective and p.size = s.size
),
binned as (
    select
        k.objective,
        k.size,
        floor((k.errors / k.n_out * l.n_out + 0.5) / l.step + 1e-9)::integer as bin,
        c.n_examples,
        k.share * k.probability[1] as one,
        k.share * (
            (1 - k.high_weight) * k.probability[2] + k.high_weight * k.probability[3]
        ) as two
    from likely as k
    inner join lattice as l
        on k.objective = l.objective and k.size = l.size
    left join counts as c
        on
            k.objective = c.objective
            and k.size = c.size
            and k.n_out = c.n_out
            and k.errors = c.errors
),
summed as (
    select
        objective,
        size,
        bin,
        coalesce(sum(n_examples), 0) as n_examples,
        sum(one) as expected_one,
        sum(two) as expected_two
    from binned
    group by objective, size, bin
)
select
    s.objective,
    s.size,
    l.size_rank,
    s.bin,
    (s.bin * l.step - 0.5) / l.n_out as bin_low,
    least((s.bin + 1) * l.step - 0.5, l.n_out + 0.5) / l.n_out as bin_high,
    s.n_examples::bigint as n_examples,
    s.n_examples / sum(s.n_examples) over (partition by s.objective, s.size) as share,
    s.expected_one,
    s.expected_two
from summed as s
inner join lattice as l
    on s.objective = l.objective and s.size = l.size
order by s.objective desc, l.size_rank, s.bin;

comment on view held_out_errors is
    'One row per objective, size and bin of the held-out error rate, beside one and two fitted Betas.';
comment on column held_out_errors.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column held_out_errors.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column held_out_errors.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column held_out_errors.bin is 'Number of the bin, 0 begins with no errors.';
comment on column held_out_errors.bin_low is
    'Lower edge of the error rate, half a step of 1 / n_out below a possible rate.';
comment on column held_out_errors.bin_high is
    'Upper edge of the error rate; the last bin ends half a step above 1.';
comment on column held_out_errors.n_examples is 'Training examples in the bin, from 0.';
comment on column held_out_errors.share is 'n_examples as a share of the size''s, 0 to 1.';
comment on column held_out_errors.expected_one is
    'Share that one Beta distribution of true rates expects, 0 to 1; NULL where it was not fitted.';
comment on column held_out_errors.expected_two is
    'Share that a mixture of two expects, 0 to 1; NULL where it was not fitted.';
