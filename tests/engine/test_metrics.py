from genetic_udfs.engine.metrics import ServerMetrics, parse_metrics


def test_the_engines_of_a_server_are_summed() -> None:
    page = (
        "# HELP vllm:num_requests_running Number of requests in model execution batches.\n"
        'vllm:num_requests_running{engine="0",model_name="engine"} 12.0\n'
        'vllm:num_requests_running{engine="1",model_name="engine"} 3.0\n'
        'vllm:num_requests_waiting{engine="0"} 2.0\n'
        'vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 2.0\n'
        'vllm:kv_cache_usage_perc{engine="0"} 0.25\n'
        'vllm:kv_cache_usage_perc{engine="1"} 0.75\n'
        "vllm:prompt_tokens_total 1e3\n"
        "vllm:generation_tokens_total 500.0\n"
        "vllm:prefix_cache_queries_total 1000.0\n"
        "vllm:prefix_cache_hits_total 600.0\n"
        "vllm:num_preemptions_total 4.0\n"
        "process_cpu_seconds_total 1.0\n"
    )
    assert parse_metrics(page) == ServerMetrics(
        running=15,
        waiting=2,
        kv_cache_usage=0.75,
        prompt_tokens=1000,
        generation_tokens=500,
        prefix_queries=1000,
        prefix_hits=600,
        preemptions=4,
    )


def test_a_page_without_metrics_is_a_server_without_work() -> None:
    assert parse_metrics("") == ServerMetrics()
