-- One row per training example that some one-hot model held out, at the size that judges labels.
-- Held-out votes as a second reading of each image, beside its label: analysis/wrong_labels.py has the
-- latent class model. suspects lists those whose label is doubtful.
create or replace view label_posteriors as
with declared as (
    select
        null::varchar as objective,
        null::varchar as size,
        null::integer as size_rank,
        null::bigint as example_id,
        null::boolean as saturated,
        null::varchar as basis,
        null::integer as preferred,
        null::integer as votes,
        null::integer as n_out,
        null::double as wrong,
        null::double as wrong_low,
        null::double as wrong_high
    where false
)
select
    objective,
    size,
    size_rank,
    example_id,
    saturated,
    basis,
    preferred,
    votes,
    n_out,
    wrong,
    -- Builds before this rule stored a limit that hits alone do not give.
    if(basis = 'hits', 0, wrong_low) as wrong_low,
    wrong_high
from (
    from declared
    union all by name
    from read_parquet(
        coalesce(getvariable('store'), '.') || '/derived/label_posteriors*.parquet',
        allow_empty := true
    )
);

comment on view label_posteriors is
    'One row per training example that some one-hot model held out: how probable a wrong label is. Zero rows in stores from before; build adds them.';
comment on column label_posteriors.objective is 'Training objective: ''one_hot''.';
comment on column label_posteriors.size is
    'Name of the model size: the largest whose models fit their training examples, else the largest.';
comment on column label_posteriors.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column label_posteriors.example_id is 'Training example (examples.example_id).';
comment on column label_posteriors.saturated is
    'Whether models of the size fit their training examples (accuracy.saturated).';
comment on column label_posteriors.basis is
    '''votes'': by the classes that held-out models predict; ''hits'': by how many of them predict the label, where votes were not recorded.';
comment on column label_posteriors.preferred is
    'Class other than the label that most held-out models predict (classes.label); of equals the one more often mistaken for the label, then the lower. NULL where none predicts another, or basis is ''hits''.';
comment on column label_posteriors.votes is
    'Held-out models that predict preferred, from 1; NULL where that is.';
comment on column label_posteriors.n_out is 'Models trained without the example, from 1.';
comment on column label_posteriors.wrong is
    'Probability that the label is wrong, 0 to 1: by votes the mean of wrong_low and wrong_high, which votes alone cannot tell apart.';
comment on column label_posteriors.wrong_low is
    'The same, 0 to 1, if all pairs of classes had one rate of wrong labels, so that disagreement between classes that are often confused means hard images; equal to wrong where that fits much worse. 0 where basis is ''hits'', which fit hard images alone as well.';
comment on column label_posteriors.wrong_high is
    'The same, 0 to 1, if each pair of classes has a rate of its own, so that what models agree on counts as right beyond the share of images on which fewer agree.';
