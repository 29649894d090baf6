-- One row per objective, size and example whose votes no set of its models can have cast.
--
-- There are no more votes than models; where all models vote, those for the label are the hits.
create or replace view miscounted_votes as
with
models_of as (
    select
        objective,
        size,
        example_id,
        label,
        bit_count(in_train::bit) as models_in,
        bit_count(trained::bit) - bit_count(in_train::bit) as models_out,
        bit_count(correct::bit & in_train::bit) as hits_in,
        bit_count(correct::bit) - bit_count(correct::bit & in_train::bit) as hits_out
    from outcomes
    where
        octet_length(trained) = octet_length(in_train)
        and octet_length(trained) = octet_length(correct)
        and octet_length(trained) > 0
),
summed as (
    select
        v.objective,
        v.size,
        v.example_id,
        any_value(m.label) as label,
        any_value(m.models_in) as models_in,
        any_value(m.models_out) as models_out,
        any_value(m.hits_in) as hits_in,
        any_value(m.hits_out) as hits_out,
        sum(v.n_in) as votes_in,
        sum(v.n_out) as votes_out,
        coalesce(sum(v.n_in) filter (v.class = m.label), 0) as votes_in_for_label,
        coalesce(sum(v.n_out) filter (v.class = m.label), 0) as votes_out_for_label,
        min(least(v.n_in, v.n_out, v.n_in + v.n_out - 1)) as least_votes
    from votes as v
    inner join models_of as m
        on v.objective = m.objective and v.size = m.size and v.example_id = m.example_id
    group by v.objective, v.size, v.example_id
)
select
    objective,
    size,
    example_id,
    votes_in,
    models_in,
    votes_in_for_label,
    hits_in,
    votes_out,
    models_out,
    votes_out_for_label,
    hits_out
from summed
where
    least_votes < 0
    or votes_in > models_in
    or votes_out > models_out
    or (label is not null and votes_in = models_in and votes_in_for_label <> hits_in)
    or (label is not null and votes_out = models_out and votes_out_for_label <> hits_out);

comment on view miscounted_votes is
    'One row per objective, size and example whose votes no set of its models can have cast; must be empty.';
comment on column miscounted_votes.objective is 'Training objective.';
comment on column miscounted_votes.size is 'Name of the model size.';
comment on column miscounted_votes.example_id is 'Example (examples.example_id).';
comment on column miscounted_votes.votes_in is 'Votes of models trained with the example, over all classes.';
comment on column miscounted_votes.models_in is 'Models trained with the example; at least as many.';
comment on column miscounted_votes.votes_in_for_label is 'Votes for its label among votes_in.';
comment on column miscounted_votes.hits_in is 'Models trained with it that are right, by the bits; as many where all vote.';
comment on column miscounted_votes.votes_out is 'Votes of models trained without the example, over all classes.';
comment on column miscounted_votes.models_out is 'Models trained without the example; at least as many.';
comment on column miscounted_votes.votes_out_for_label is 'Votes for its label among votes_out.';
comment on column miscounted_votes.hits_out is 'Models trained without it that are right, by the bits; as many where all vote.';
