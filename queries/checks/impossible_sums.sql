-- One row per outcome whose sums no set of models can have.
--
-- Label probabilities lie in [0, 1] and losses are not negative, so 0 <= sum p^2 <= sum p <= n and
-- sum loss >= 0; by Cauchy and Schwarz n sum x^2 >= (sum x)^2. The slack covers float32 and float16.
create or replace view impossible_sums as
with
counted as (
    select
        objective,
        size,
        example_id,
        bit_count(in_train::bit) as n_in,
        n_models - bit_count(in_train::bit) as n_out,
        probability_in_sum,
        probability_in_sumsq,
        probability_out_sum,
        probability_out_sumsq,
        loss_in_sum,
        loss_out_sum,
        margin_in_sum,
        margin_in_sumsq,
        margin_out_sum,
        margin_out_sumsq
    from outcomes
    where octet_length(in_train) > 0
)
select
    objective,
    size,
    example_id,
    n_in,
    n_out,
    probability_in_sum,
    probability_out_sum,
    loss_in_sum,
    loss_out_sum
from counted
where
    probability_in_sum not between -0.001 and n_in + 0.01 * n_in + 0.001
    or probability_out_sum not between -0.001 and n_out + 0.01 * n_out + 0.001
    or probability_in_sumsq > 1.01 * probability_in_sum + 0.001
    or probability_out_sumsq > 1.01 * probability_out_sum + 0.001
    or loss_in_sum < -0.01 * n_in - 0.001
    or loss_out_sum < -0.01 * n_out - 0.001
    or margin_in_sum ** 2 > 1.01 * n_in * margin_in_sumsq + 0.001
    or margin_out_sum ** 2 > 1.01 * n_out * margin_out_sumsq + 0.001;

comment on view impossible_sums is
    'One row per outcome whose sums no set of models can have; must be empty.';
comment on column impossible_sums.objective is 'Training objective.';
comment on column impossible_sums.size is 'Name of the model size.';
comment on column impossible_sums.example_id is 'Example of the outcome.';
comment on column impossible_sums.n_in is 'Models trained with the example.';
comment on column impossible_sums.n_out is 'Models trained without the example.';
comment on column impossible_sums.probability_in_sum is 'Sum of label probabilities over n_in.';
comment on column impossible_sums.probability_out_sum is 'Sum of label probabilities over n_out.';
comment on column impossible_sums.loss_in_sum is 'Sum of losses over n_in.';
comment on column impossible_sums.loss_out_sum is 'Sum of losses over n_out.';
