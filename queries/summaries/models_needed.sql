-- One row per objective, size (NULL for changes), quantity and signal.
--
-- How many models are enough, from the errors and reliabilities measured with all models there are.
-- Standard errors fall like 1/sqrt(models): n (SE/target)^2 models reach a target. Reliability follows
-- Spearman and Brown: from R with n models, n R* (1 - R) / (R (1 - R*)) models reach R*. Targets of
-- .05 and .10 are in the unit of the signal, hence NULL for 'margin' and 'loss', which have other units.
create or replace view models_needed as
with
latest as (
    select *
    from reliability
    qualify
        n_groups = max(n_groups) over (partition by objective, size, quantity, signal)
)
select
    objective,
    size,
    size_rank,
    quantity,
    signal,
    n_models,
    std_error,
    case
        when signal in ('correctness', 'probability')
            then ceil(n_models * (std_error / 0.05) ** 2)::bigint
    end as models_for_error_05,
    case
        when signal in ('correctness', 'probability')
            then ceil(n_models * (std_error / 0.10) ** 2)::bigint
    end as models_for_error_10,
    reliability,
    case
        when reliability < 1
            then ceil(n_models * 0.8 * (1 - reliability) / nullif(reliability * 0.2, 0))::bigint
    end as models_for_reliability_80,
    case
        when reliability < 1
            then ceil(n_models * 0.9 * (1 - reliability) / nullif(reliability * 0.1, 0))::bigint
    end as models_for_reliability_90
from latest;

comment on view models_needed is
    'One row per objective, size (NULL for changes), quantity and signal. How many models a size would take, judged by those that there are.';
comment on column models_needed.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column models_needed.size is
    'Name of the model size; NULL for changes from the first to the last size.';
comment on column models_needed.size_rank is
    'Place of the size in the study, 0 = smallest; NULL for changes.';
comment on column models_needed.quantity is
    '''level'' (memorization), ''change'' (last minus first size) or ''distillation'' (distilled minus one_hot).';
comment on column models_needed.signal is
    '''correctness'', ''probability'', ''margin'' or ''loss''.';
comment on column models_needed.n_models is 'Models a size that the row was measured with.';
comment on column models_needed.std_error is
    'Mean standard error over examples with n_models, unit of the signal.';
comment on column models_needed.models_for_error_05 is
    'Models a size for a mean standard error of .05; NULL for signals of another unit.';
comment on column models_needed.models_for_error_10 is
    'Models a size for a mean standard error of .10; NULL for signals of another unit.';
comment on column models_needed.reliability is
    'Split-half reliability with n_models, 0 to 1; NULL where halves do not agree at all.';
comment on column models_needed.models_for_reliability_80 is
    'Models a size for a reliability of .8; NULL where reliability is.';
comment on column models_needed.models_for_reliability_90 is
    'Models a size for a reliability of .9; NULL where reliability is.';
