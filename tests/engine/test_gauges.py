from genetic_udfs.engine.gauges import Gauges, gauges_in


def test_the_engines_of_a_server_are_summed() -> None:
    page = (
        "# HELP vllm:num_requests_running Number of requests in model execution batches.\n"
        'vllm:num_requests_running{engine="0",model_name="engine"} 12.0\n'
        'vllm:num_requests_running{engine="1",model_name="engine"} 3.0\n'
        'vllm:num_requests_waiting{engine="0"} 2.0\n'
        "vllm:prompt_tokens_total 1e3\n"
        "vllm:generation_tokens_total 500.0\n"
        "process_cpu_seconds_total 1.0\n"
    )
    assert gauges_in(page) == Gauges(running=15, waiting=2, tokens=1500)


def test_a_page_without_metrics_is_a_server_without_work() -> None:
    assert gauges_in("") == Gauges(0, 0, 0)
