-- One row per objective, size and example, training and test.
-- Outcomes of all models on one example, one bit per subset: bit k is the k-th subset in subset_id
-- order at every size and objective, most significant bit first. `blob::bit` keeps that order, so
-- bit_count(in_train::bit & correct::bit) counts the models that saw the example and got it right.
create or replace view outcomes as
select
    objective,
    size,
    size_rank,
    example_id,
    split,
    label,
    n_models,
    trained,
    in_train,
    correct,
    probability_in_sum,
    probability_in_sumsq,
    probability_in_sum_a,
    probability_in_sum - probability_in_sum_a as probability_in_sum_b,
    probability_out_sum,
    probability_out_sumsq,
    probability_out_sum_a,
    probability_out_sum - probability_out_sum_a as probability_out_sum_b,
    margin_in_sum,
    margin_in_sumsq,
    margin_in_sum_a,
    margin_in_sum - margin_in_sum_a as margin_in_sum_b,
    margin_out_sum,
    margin_out_sumsq,
    margin_out_sum_a,
    margin_out_sum - margin_out_sum_a as margin_out_sum_b,
    loss_in_sum,
    loss_in_sumsq,
    loss_in_sum_a,
    loss_in_sum - loss_in_sum_a as loss_in_sum_b,
    loss_out_sum,
    loss_out_sumsq,
    loss_out_sum_a,
    loss_out_sum - loss_out_sum_a as loss_out_sum_b
from read_parquet(coalesce(getvariable('store'), '.') || '/outcomes.parquet');

comment on view outcomes is
    'One row per objective, size and example, training and test. Packed outcomes: who was trained with the example, and who got it right.';
comment on column outcomes.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column outcomes.size is 'Name of the model size; the order of sizes is size_rank.';
comment on column outcomes.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column outcomes.example_id is
    'Example, 0 to n - 1: training examples first, in their original order, then test examples.';
comment on column outcomes.split is '''train'' or ''test''.';
comment on column outcomes.label is 'Class of the example, as in examples.';
comment on column outcomes.n_models is
    'Models trained at this size and objective, from 1; equals bit_count(trained).';
comment on column outcomes.trained is
    'Bits of the subsets that were trained at this size and objective.';
comment on column outcomes.in_train is
    'Bits of the trained subsets that contain the example; all zero for test examples.';
comment on column outcomes.correct is
    'Bits of the trained subsets whose model classifies the example correctly (argmax equals label, eval mode).';
comment on column outcomes.probability_in_sum is
    'Sum over the models with the example in train of the label probability p(y), 0 to 1 per model.';
comment on column outcomes.probability_in_sumsq is
    'Sum of squares over the same models as probability_in_sum; squared unit.';
comment on column outcomes.probability_out_sum is
    'Sum over the models with the example held out of the label probability p(y), 0 to 1 per model.';
comment on column outcomes.probability_out_sumsq is
    'Sum of squares over the same models as probability_out_sum; squared unit.';
comment on column outcomes.margin_in_sum is
    'Sum over the models with the example in train of the logit margin z(y) - max z(other), in logits.';
comment on column outcomes.margin_in_sumsq is
    'Sum of squares over the same models as margin_in_sum; squared unit.';
comment on column outcomes.margin_out_sum is
    'Sum over the models with the example held out of the logit margin z(y) - max z(other), in logits.';
comment on column outcomes.margin_out_sumsq is
    'Sum of squares over the same models as margin_out_sum; squared unit.';
comment on column outcomes.loss_in_sum is
    'Sum over the models with the example in train of the cross-entropy, in nats, at least 0 per model.';
comment on column outcomes.loss_in_sumsq is
    'Sum of squares over the same models as loss_in_sum; squared unit.';
comment on column outcomes.loss_out_sum is
    'Sum over the models with the example held out of the cross-entropy, in nats, at least 0 per model.';
comment on column outcomes.loss_out_sumsq is
    'Sum of squares over the same models as loss_out_sum; squared unit.';
comment on column outcomes.probability_in_sum_a is
    'Sum over the models of half a of the groups with the example in train of the label probability p(y), 0 to 1 per model.';
comment on column outcomes.probability_out_sum_a is
    'Sum over the models of half a of the groups with the example held out of the label probability p(y), 0 to 1 per model.';
comment on column outcomes.margin_in_sum_a is
    'Sum over the models of half a of the groups with the example in train of the logit margin z(y) - max z(other), in logits.';
comment on column outcomes.margin_out_sum_a is
    'Sum over the models of half a of the groups with the example held out of the logit margin z(y) - max z(other), in logits.';
comment on column outcomes.loss_in_sum_a is
    'Sum over the models of half a of the groups with the example in train of the cross-entropy, in nats, at least 0 per model.';
comment on column outcomes.loss_out_sum_a is
    'Sum over the models of half a of the groups with the example held out of the cross-entropy, in nats, at least 0 per model.';
comment on column outcomes.probability_in_sum_b is
    'Sum over the models of half b of the groups with the example in train of the label probability p(y), 0 to 1 per model.';
comment on column outcomes.probability_out_sum_b is
    'Sum over the models of half b of the groups with the example held out of the label probability p(y), 0 to 1 per model.';
comment on column outcomes.margin_in_sum_b is
    'Sum over the models of half b of the groups with the example in train of the logit margin z(y) - max z(other), in logits.';
comment on column outcomes.margin_out_sum_b is
    'Sum over the models of half b of the groups with the example held out of the logit margin z(y) - max z(other), in logits.';
comment on column outcomes.loss_in_sum_b is
    'Sum over the models of half b of the groups with the example in train of the cross-entropy, in nats, at least 0 per model.';
comment on column outcomes.loss_out_sum_b is
    'Sum over the models of half b of the groups with the example held out of the cross-entropy, in nats, at least 0 per model.';
