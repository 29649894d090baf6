-- One row per objective, size and quantity: how it spreads over examples.
--
-- Over the training examples with a score, as in accuracy; accuracy_test over the test examples that the
-- store keeps. Quantiles are of the estimates and hold their noise. sd has it removed: the square root of
-- the variance over examples less the mean binomial variance, k/n (1 - k/n) / (n - 1) of each rate; 0 where
-- noise explains all of the variance.
create or replace view accuracy_spread as
with
rates as (
    select
        objective,
        size,
        size_rank,
        split,
        accuracy_in,
        accuracy_out,
        memorization,
        accuracy_in * (1 - accuracy_in) / nullif(n_in - 1, 0) as noise_in,
        accuracy_out * (1 - accuracy_out) / nullif(n_out - 1, 0) as noise_out
    from memorization
    where memorization is not null or (split = 'test' and accuracy_out is not null)
),
long as (
    select
        objective,
        size,
        size_rank,
        unnest(['accuracy_in', 'accuracy_out', 'memorization']) as quantity,
        unnest([accuracy_in, accuracy_out, memorization]) as value,
        unnest([noise_in, noise_out, noise_in + noise_out]) as noise
    from rates
    where split = 'train'
    union all
    select
        objective,
        size,
        size_rank,
        'accuracy_test' as quantity,
        accuracy_out as value,
        noise_out as noise
    from rates
    where split = 'test'
)
select
    objective,
    size,
    size_rank,
    quantity,
    count(*) as n_examples,
    avg(value) as mean,
    case
        when count(noise) = count(*) and count(*) > 1
            then sqrt(greatest(var_samp(value) - avg(noise), 0))
    end as sd,
    quantile_cont(value, 0.1) as q10,
    quantile_cont(value, 0.25) as q25,
    quantile_cont(value, 0.5) as q50,
    quantile_cont(value, 0.75) as q75,
    quantile_cont(value, 0.9) as q90
from long
group by objective, size, size_rank, quantity
order by objective desc, quantity, size_rank;

comment on view accuracy_spread is
    'One row per objective, size and quantity: how accuracies and memorisation spread over examples.';
comment on column accuracy_spread.objective is 'Training objective: ''one_hot'' or ''distilled''.';
comment on column accuracy_spread.size is
    'Name of the model size; the order of sizes is size_rank.';
comment on column accuracy_spread.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column accuracy_spread.quantity is
    '''accuracy_in'', ''accuracy_out'', ''memorization'' (training examples) or ''accuracy_test'' (test examples kept).';
comment on column accuracy_spread.n_examples is 'Examples behind the row, from 1.';
comment on column accuracy_spread.mean is 'Mean over examples; memorization -1 to 1, others 0 to 1.';
comment on column accuracy_spread.sd is
    'Standard deviation over examples, binomial noise removed, from 0; NULL where a rate has a single model or the row a single example.';
comment on column accuracy_spread.q10 is '10 % of examples lie below, noise included.';
comment on column accuracy_spread.q25 is '25 % of examples lie below, noise included.';
comment on column accuracy_spread.q50 is 'Median over examples, noise included.';
comment on column accuracy_spread.q75 is '75 % of examples lie below, noise included.';
comment on column accuracy_spread.q90 is '90 % of examples lie below, noise included.';
