VIEW costs (
    generation COMMENT 'generation that the replies are for; the one under way is among them',
    role COMMENT 'instructor, coder, judge or tester; rejudge for a second opinion, which no generation has paid for',
    model COMMENT 'the model that answered',
    requests COMMENT 'replies in the ledger',
    errors COMMENT 'those of them that are an error',
    prompt_tokens COMMENT 'tokens read',
    completion_tokens COMMENT 'tokens written',
    request_seconds COMMENT 'the requests'' own seconds, summed up; many are under way at once',
    accepted COMMENT 'pairs that the generation has accepted',
    tokens_per_accepted COMMENT 'tokens read and written for each of them',
    money COMMENT 'what the tokens cost, and the engine while it was asked; null where no price is set',
    money_per_accepted COMMENT 'that for each accepted pair'
)
COMMENT 'What the models were asked and wrote, and what that cost, by generation, role and model.'
AS SELECT
    asked.generation, asked.role, asked.model, requests, errors, prompt_tokens, completion_tokens, request_seconds,
    coalesce(pairs.accepted, 0) AS accepted,
    (prompt_tokens + completion_tokens) / pairs.accepted AS tokens_per_accepted,
    money,
    money / pairs.accepted AS money_per_accepted
FROM (
    SELECT
        generation, role, model,
        sum(requests) AS requests,
        sum(errors) AS errors,
        sum(prompt_tokens) AS prompt_tokens,
        sum(completion_tokens) AS completion_tokens,
        sum(request_seconds) AS request_seconds,
        sum(money) AS money
    FROM (
        SELECT
            generation, role, model,
            count(*) AS requests,
            count(error) AS errors,
            coalesce(sum(prompt_tokens), 0) AS prompt_tokens,
            coalesce(sum(completion_tokens), 0) AS completion_tokens,
            sum(seconds) AS request_seconds,
            -- An engine of one's own costs by the hour, from a stage's first request to its last reply.
            CASE WHEN max(hourly) IS NULL THEN sum(money) ELSE coalesce(sum(money), 0) + max(hourly) / 3600 * (
                max(unix_micros(sent_at) / 1e6 + seconds) - min(unix_micros(sent_at) / 1e6)
            ) END AS money
        FROM replies
        GROUP BY generation, role, model, round, stage, engine, run_id
    )
    GROUP BY generation, role, model
) AS asked
LEFT JOIN (
    SELECT generation, count(*) AS accepted FROM population GROUP BY generation
) AS pairs ON pairs.generation = asked.generation
