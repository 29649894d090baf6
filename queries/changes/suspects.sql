-- One row per training example whose label is doubtful, most probably wrong ones first.
--
-- Listed are examples of label_posteriors for which the label is wrong with a probability of at least
-- 0.01, which at least as many held-out models give another class as the label, or whose stored image
-- is also there with another label: of two such labels one is wrong at least, so that the probability
-- is taken for at least one half. The mean of 1 - wrong over the list so far is the share of right
-- labels to expect among it. Ranks are in the order of the probability in whole per cent, then of what
-- held-out models say, then of the score; example_id decides last.
create or replace view suspects as
with
pictures as (
    select
        example_id,
        label,
        md5(image) as picture
    from examples
    where split = 'train' and image is not null and label is not null
),
shared as (
    select picture
    from pictures
    group by picture
    having count(distinct label) > 1
),
twins as (
    select
        a.example_id,
        min(b.example_id) as twin_id
    from shared as s
    inner join pictures as a
        on s.picture = a.picture
    inner join pictures as b
        on s.picture = b.picture and a.label <> b.label
    group by a.example_id
),
doubts as (
    select
        p.objective,
        p.size,
        p.size_rank,
        p.example_id,
        e.source_id,
        m.label,
        p.preferred,
        p.votes,
        p.n_out,
        m.hits_out,
        p.saturated,
        p.basis,
        m.memorization,
        m.ci_low,
        m.ci_high,
        t.twin_id,
        o.probability_out_sum / p.n_out as probability_out,
        greatest(p.wrong, if(t.twin_id is null, 0, 0.5)) as wrong,
        greatest(p.wrong_low, if(t.twin_id is null, 0, 0.5)) as wrong_low,
        greatest(p.wrong_high, if(t.twin_id is null, 0, 0.5)) as wrong_high
    from label_posteriors as p
    inner join memorization as m
        on p.objective = m.objective and p.size = m.size and p.example_id = m.example_id
    inner join outcomes as o
        on p.objective = o.objective and p.size = o.size and p.example_id = o.example_id
    inner join examples as e
        on p.example_id = e.example_id
    left join twins as t
        on p.example_id = t.example_id
    where p.wrong >= 0.01 or p.votes >= m.hits_out or t.twin_id is not null
),
ranked as (
    select
        *,
        row_number() over (
            order by
                round(wrong, 2) desc,
                round(wrong_low, 2) desc,
                hits_out / n_out,
                votes / n_out desc nulls last,
                probability_out nulls last,
                memorization desc nulls last,
                example_id
        ) as place
    from doubts
)
select
    r.place::integer as rank,
    r.example_id,
    r.source_id,
    r.label,
    g.class_name,
    r.preferred,
    c.class_name as preferred_name,
    r.votes,
    r.n_out,
    r.hits_out,
    case
        when r.twin_id is not null then 'duplicate'
        when r.wrong >= 0.5 and r.wrong_high - r.wrong_low >= 0.25 then 'wrong_or_hard'
        when r.wrong >= 0.5 then 'wrong_label'
        when
            4 * r.hits_out >= r.n_out and 4 * coalesce(r.votes, r.n_out - r.hits_out) >= r.n_out
            then 'ambiguous'
        else 'rare'
    end as reason,
    r.twin_id,
    r.wrong,
    r.wrong_low,
    r.wrong_high,
    r.memorization,
    r.ci_low,
    r.ci_high,
    avg(1 - r.wrong) over so_far as expected_false_share,
    avg(1 - r.wrong_high) over so_far as expected_false_share_low,
    avg(1 - r.wrong_low) over so_far as expected_false_share_high,
    r.objective,
    r.size,
    r.size_rank,
    r.saturated,
    r.basis
from ranked as r
left join classes as g
    on r.label = g.label
left join classes as c
    on r.preferred = c.label
window so_far as (order by r.place rows unbounded preceding)
order by r.place;

comment on view suspects is
    'One row per training example whose label is doubtful, most probably wrong ones first. Zero rows in stores from before label_posteriors; build adds it.';
comment on column suspects.rank is 'Place in the list, from 1; there are no ties.';
comment on column suspects.example_id is 'Training example (examples.example_id).';
comment on column suspects.source_id is
    'File or other name of the example where it came from; NULL where it has none.';
comment on column suspects.label is 'The given class, 0 to classes - 1.';
comment on column suspects.class_name is 'Name of the given class; NULL where it has none.';
comment on column suspects.preferred is
    'Class other than the label that most held-out models predict (label_posteriors.preferred); NULL where none does or votes were not recorded.';
comment on column suspects.preferred_name is 'Name of the preferred class; NULL where that is.';
comment on column suspects.votes is 'Held-out models that predict preferred; NULL where that is.';
comment on column suspects.n_out is 'Models trained without the example, from 1.';
comment on column suspects.hits_out is
    'Models trained without the example that predict the given label.';
comment on column suspects.reason is
    '''duplicate'': the same stored image is there with another label; else, where wrong is at least 0.5, ''wrong_label'', or ''wrong_or_hard'' if its limits are 0.25 or more apart: models agree on another class, which hard images explain as well; else ''ambiguous'': label and another class have a quarter of the held-out models each; else ''rare'': models know it only if they were trained with it.';
comment on column suspects.twin_id is
    'First training example with the same stored image and another label; NULL where there is none.';
comment on column suspects.wrong is
    'Probability that the label is wrong, 0 to 1 (label_posteriors.wrong; with a twin at least 0.5).';
comment on column suspects.wrong_low is 'Its lower limit, 0 to 1 (label_posteriors.wrong_low).';
comment on column suspects.wrong_high is 'Its upper limit, 0 to 1 (label_posteriors.wrong_high).';
comment on column suspects.memorization is
    'Score of the example at that size, -1 to 1; NULL where it cannot be estimated.';
comment on column suspects.ci_low is 'Lower 95 % limit of memorization (Newcombe 1998).';
comment on column suspects.ci_high is 'Upper 95 % limit of memorization (Newcombe 1998).';
comment on column suspects.expected_false_share is
    'Share of right labels to expect in the list up to and with this row, 0 to 1: mean of 1 - wrong.';
comment on column suspects.expected_false_share_low is
    'The same, 0 to 1, if models that agree on another class are right: mean of 1 - wrong_high.';
comment on column suspects.expected_false_share_high is
    'The same, 0 to 1, if agreement on classes that are often confused means hard images: mean of 1 - wrong_low. The two limits are of assumptions, not of chance.';
comment on column suspects.objective is 'Training objective: ''one_hot''.';
comment on column suspects.size is 'Name of the size whose held-out models are asked.';
comment on column suspects.size_rank is 'Place of the size in the study, 0 = smallest.';
comment on column suspects.saturated is
    'Whether models of the size fit their training examples; where not, they miss more right labels.';
comment on column suspects.basis is
    '''votes'', or ''hits'' where votes were not recorded.';
