-- One row per objective, size and pair of proxies: how alike two of them order the training examples.
--
-- Needs no masks, so it holds where memorization cannot be computed. Pearson's r, and Spearman's as
-- Pearson's of the ranks, ties at their mean rank. A proxy is taken inside, else held out; one whose
-- size is 'unknown' at every size meets the others at theirs.
create or replace view proxy_agreement as
with
valued as (
    select
        objective,
        size,
        size_rank,
        example_id,
        proxy,
        coalesce(value_in, value_out) as value
    from proxies
    where coalesce(value_in, value_out) is not null
    qualify size <> 'unknown' or not bool_or(size <> 'unknown') over (partition by objective, proxy)
),
paired as (
    select
        a.objective,
        case when a.size = 'unknown' then b.size else a.size end as size,
        coalesce(a.size_rank, b.size_rank) as size_rank,
        a.proxy,
        b.proxy as other_proxy,
        a.value,
        b.value as other_value
    from valued as a
    inner join valued as b
        on
            a.objective = b.objective
            and a.example_id = b.example_id
            and a.proxy < b.proxy
            and (a.size = b.size or a.size = 'unknown' or b.size = 'unknown')
),
ranked as (
    select
        *,
        rank() over (partition by objective, size, proxy, other_proxy order by value)
        + (count(*) over (partition by objective, size, proxy, other_proxy, value) - 1)
        / 2 as place,
        rank() over (partition by objective, size, proxy, other_proxy order by other_value)
        + (count(*) over (partition by objective, size, proxy, other_proxy, other_value) - 1)
        / 2 as other_place
    from paired
)
select
    objective,
    size,
    size_rank,
    proxy,
    other_proxy,
    count(*)::integer as n_examples,
    case
        when min(value) < max(value) and min(other_value) < max(other_value)
            then corr(value::double, other_value::double)
    end as pearson,
    case
        when min(value) < max(value) and min(other_value) < max(other_value)
            then corr(place, other_place)
    end as spearman
from ranked
group by objective, size, size_rank, proxy, other_proxy
order by objective, size_rank, size, proxy, other_proxy;

comment on view proxy_agreement is
    'One row per objective, size and pair of proxies: how alike they order the training examples.';
comment on column proxy_agreement.objective is
    'Training objective: ''one_hot'' (labels alone) or ''distilled'' (labels and a teacher).';
comment on column proxy_agreement.size is
    'Name of the model size; ''unknown'' where both are imported scores of unknown models.';
comment on column proxy_agreement.size_rank is
    'Place of the size in the study, 0 = smallest; NULL where size is unknown.';
comment on column proxy_agreement.proxy is 'One proxy, the first by name.';
comment on column proxy_agreement.other_proxy is 'The other proxy.';
comment on column proxy_agreement.n_examples is 'Training examples that have both, from 1.';
comment on column proxy_agreement.pearson is
    'Pearson''s correlation, -1 to 1; NULL where either proxy is constant.';
comment on column proxy_agreement.spearman is
    'Spearman''s rank correlation, -1 to 1; NULL where either proxy is constant.';
