"""A configuration file is read with its overrides, and every mistake in it is named by its key."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args, get_origin

import pytest
import yaml

from genetic_udfs.config import Config, EmbeddingModel, OwnPrompt, Price, Section
from genetic_udfs.config.embedding import EMBEDDING_KEYS, EMBEDDING_MODEL
from genetic_udfs.config.file import load_config
from genetic_udfs.errors import ConfigurationError

PROJECT = Path(__file__).resolve().parents[2]
LOCAL = PROJECT / "conf" / "local.yaml"
PLAIN = """
store: runs/plain
seeds: seeds.jsonl
generations: 2
samples_per_generation: 4
engines: {smollm: {model: org/model}}
roles: {instructor: {engine: smollm}, coder: {engine: smollm}, judge: {engine: smollm}}
"""


@pytest.mark.parametrize("name", ["local.yaml", "paper.yaml", "cluster.yaml"])
def test_the_configurations_that_come_with_the_project_are_valid(name: str) -> None:
    assert isinstance(load_config(PROJECT / "conf" / name), Config)


def test_paths_in_a_file_are_taken_from_its_folder() -> None:
    config = load_config(LOCAL)
    assert config.seeds == str(PROJECT / "seeds" / "seeds.jsonl")
    assert config.store == str(PROJECT / "runs" / "local")


def test_paths_in_overrides_are_taken_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(LOCAL, ["store=here"]).store == str(tmp_path / "here")


def test_test_sets_lie_beside_the_file_that_names_them(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    tests = "decontamination: {benchmarks: {mine: {path: sets/mine.jsonl, instructions: [text]}}}"
    file.write_text(f"{PLAIN}\n{tests}\n")
    config = load_config(file)
    assert config.decontamination.benchmarks["mine"].path == str(tmp_path / "sets" / "mine.jsonl")
    elsewhere = load_config(file, ["decontamination.benchmarks.mine.path=/other/mine.jsonl"])
    assert elsewhere.fingerprint() == config.fingerprint()
    file.write_text(
        f"{PLAIN}\ndecontamination: {{sets: [{{name: mine, path: sets/mine.jsonl, instructions: [text]}}]}}\n"
    )
    assert load_config(file) == config
    assert load_config(file, ["decontamination.benchmarks.mine.path=/other/mine.jsonl"]) == elsewhere
    listed = f"{{name: mine, path: {tmp_path / 'sets' / 'mine.jsonl'}, instructions: [text]}}"
    assert load_config(file, [f"decontamination.sets=[{listed}]"]) == config


@pytest.mark.parametrize("key", EMBEDDING_KEYS)
def test_models_that_embed_lie_beside_the_file_that_names_them(tmp_path: Path, key: str) -> None:
    def named(config: Config) -> str:
        return functools.reduce(getattr, key.split("."), cast(Any, config))

    file = tmp_path / "run.yaml"
    first, *others = key.split(".")
    text = "".join(f"{name}: {{" for name in others)
    file.write_text(f"{PLAIN}\n{first}: {{{text}models/e5{'}' * len(others)}\n".replace("model: {", "model: "))
    assert named(load_config(file)) == str(tmp_path / "models" / "e5")
    assert named(load_config(file, [f"{key}={EMBEDDING_MODEL}"])) == EMBEDDING_MODEL
    assert named(load_config(file, [f"{key}=e5"])) == str(Path.cwd() / "e5")


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ("{mine: {path: a}}", "must be a list such as"),
        ("[{path: a, form: mbpp}]", "must be a list such as"),
        ("[{name: a, path: a, form: mbpp}, {name: a, path: b, form: mbpp}]", "two test sets are named 'a'"),
    ],
)
def test_a_list_of_test_sets_has_names(tmp_path: Path, sets: str, message: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(f"{PLAIN}\ndecontamination: {{sets: {sets}}}\n")
    with pytest.raises(ConfigurationError, match=rf"run\.yaml: decontamination\.sets: {message}"):
        load_config(file)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("form: mbpp", "decontamination.sets.mine.path: is missing and has no default"),
        ("path: a", "decontamination.sets.mine: needs `form`, or the fields"),
        ("path: a, form: mbpp, forms: x", "decontamination.sets.mine.forms: unknown key; did you mean 'form'?"),
    ],
)
def test_a_test_set_is_named_by_the_key_that_lists_it(tmp_path: Path, given: str, said: str) -> None:
    file = tmp_path / "run.yaml"
    listed = f"[{{name: mine, {given}}}]"
    file.write_text(f"{PLAIN}\ndecontamination: {{sets: {listed}}}\n")
    for overrides in ([], [f"decontamination.sets={listed}"]):
        with pytest.raises(ConfigurationError, match=re.escape(f"{file}: {said}")):
            load_config(file, overrides)


def test_a_uri_is_left_as_it_is() -> None:
    assert load_config(LOCAL, ["store=s3a://bucket/run"]).store == "s3a://bucket/run"


def test_overrides_are_yaml_and_reach_any_depth() -> None:
    config = load_config(LOCAL, ["engines.smollm.args.enforce-eager=false", "operators.mutation_tasks={reasoning: 2}"])
    assert config.engines["smollm"].args["enforce-eager"] is False
    assert config.operators.mutation_tasks == {"reasoning": 2.0}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("generatons=3", "generatons: unknown key; did you mean 'generations'?"),
        ("roles.coder.temprature=1", "roles.coder.temprature: unknown key; did you mean 'temperature'?"),
        ("engines.smollm.seqs=1", "engines.smollm.seqs: unknown key; allowed: api_key_env, args, dtype"),
        ("seed=many", "seed: Input should be a valid integer"),
        ("colonies=true", "colonies: Input should be a valid integer (given: true)"),
        ("store=2026-02-30", "--set store=2026-02-30: the value is not valid YAML"),
        ("spark.conf.foo=3", "spark.conf: 'foo' is no Spark property; their names begin with 'spark.'"),
        ("colonies=0", "colonies: Input should be greater than 0 (given: 0)"),
        ("samples_per_generation=1", "colonies: 2 colonies cannot share samples_per_generation: 1"),
        (
            "operators.crossover_share=1.5",
            "operators.crossover_share: Input should be less than or equal to 1",
        ),
        (
            "operators.mutation_tasks.poetry=1",
            "operators.mutation_tasks.poetry: Input should be 'constraints'",
        ),
        ("operators.mutation_tasks={}", "operators.mutation_tasks: at least one task needs a weight above 0"),
        (
            "operators.selection=best",
            "operators.selection: Input should be 'uniform', 'tournament', 'novelty' or 'elites'",
        ),
        ("operators={tournament_size: 4}", "operators: tournament_size is for selection: tournament"),
        ("operators={selection: tournament, tournament_size: 1}", "operators.tournament_size: Input should be greater"),
        ("dedup.semantic={threshold: 0}", "dedup.semantic.threshold: Input should be greater than 0"),
        ("dedup.semantic={threshold: 1.5}", "dedup.semantic.threshold: Input should be less than or equal to 1"),
        ("dedup.semantic=0.95", "dedup.semantic: must be a mapping of keys to values; allowed: model, threshold"),
        ("max_candidates=11", "max_candidates: of 11 candidates samples_per_generation: 12 can never be accepted"),
        ("acceptance=maybe", "acceptance: must be judge, tests, judge_and_tests, execution, or fitness>=X or exec"),
        ("acceptance=execution>=2", "acceptance: must be judge, tests, judge_and_tests, execution, or fitness>=X"),
        ("acceptance=fitness>=1.5", "acceptance: must be judge, tests, judge_and_tests, execution, or fitness>=X"),
        ("acceptance=tests", "acceptance: tests needs roles.tester, which writes the tests"),
        (
            "roles.coder.samples=1",
            "acceptance: execution>=0.75 compares solutions; set roles.coder.samples to 2 or more",
        ),
        (
            "roles.tester={engine: smollm}",
            "acceptance: execution>=0.75 is for runs without roles.tester; with its tests,",
        ),
        ("roles.coder.prefill='def '", "roles.coder.prefill: begins or ends with white space"),
        ("roles.instructor.prompts={poetry: x.j2}", "roles.instructor.prompts: there is no prompt 'poetry'; allowed"),
        ("roles.instructor.prompts.reasoning=7", "prompts.reasoning: must be the path of a Jinja2 file (given: 7)"),
        ("roles.instructor.prompts.reasoning=x.j2", "x.j2: cannot be read: No such file"),
        ("seeds_where={level: '('}", "seeds_where: level: is not a regular expression"),
        ("seeds_where=easy", "seeds_where: must be a mapping of keys to values (given: 'easy')"),
        ("roles.coder.repair=true", "roles.coder.repair: true is for acceptance: tests or judge_and_tests"),
        ("roles.coder={engine: smollm, temperature: 0.0, samples: 2}", "samples: 2 solutions at temperature 0"),
        ("roles.tester={engine: smollm, tests: 0}", "roles.tester.tests: Input should be greater than or equal to 1"),
        ("roles.judge={engine: gpt}", "roles.judge.engine: no engine is named 'gpt'; engines has ['smollm']"),
        ("roles.judge.max_tokens=4096", "roles.judge.max_tokens: 4096 leaves no room"),
        ("roles.tester={engine: smollm, tests_from: luck}", "roles.tester.tests_from: Input should be 'instruction'"),
        (
            "sandbox.least_tier=none",
            "sandbox.least_tier: Input should be 'no_files', 'landlock' or 'landlock_folder' (given: 'none')",
        ),
        ("sandbox={cpu_seconds: 5}", "sandbox: wall_seconds (3) is below cpu_seconds (5), which needs that long"),
        ("roles.judge.engine=gpt", "roles.judge.engine: no engine is named 'gpt'; engines has ['smollm']"),
        ("roles.coder.max_tokens=2048", "roles.coder.max_tokens: 2048 leaves no room for the prompt"),
        (
            "engines.smollm={model: m, url: 'http://a/v1', max_model_len: 96}",
            "max_tokens: 120 leaves no room for the prompt; it must be below engines.smollm.max_model_len (96)",
        ),
        ("engines.smollm.url=host:80", "engines.smollm.url: must be the http(s) address"),
        ("engines.smollm.url=[]", "engines.smollm.url: must be the http(s) address"),
        ("engines.smollm.url=['http://a/v1', 'b']", "engines.smollm.url: must be the http(s) address"),
        ("engines.smollm.url=['http://a/v1', 'http://a/v1/']", "engines.smollm.url: has the same address twice"),
        ("engines.smollm.url=http://me:key@a/v1", "engines.smollm.url: has a name or key in it"),
        ("engines.smollm.url=http://key@a/v1", "engines.smollm.url: has a name or key in it"),
        ("engines.smollm.args={tensor-parallel-size: auto}", "'tensor-parallel-size' is a number of GPUs"),
        ("engines.smollm.args={api-key: x}", "'api-key' is set by the engine's own keys"),
        ("engines.smollm.max_num_batched_tokens=8", "max_num_batched_tokens (8) is below max_num_seqs (64)"),
        (
            "engines.smollm.args={gpu_memory_utilization: 90}",
            "engines.smollm.args: 'gpu_memory_utilization' is a part of the memory",
        ),
        ("engines.smollm.api_key_env=KEY", "engines.smollm: api_key_env is for an engine with a url"),
        (
            "engines.smollm.args={max_num_seqs: 3}",
            "engines.smollm.args: 'max_num_seqs' is set by the engine's own keys",
        ),
        ("dedup.threshold=0", "dedup.threshold: Input should be greater than 0"),
        ("filters.min_words=500", "filters: min_words (500) is above max_words (400)"),
        (
            "decontamination.paraphrases={judge: {engine: smollm, max_tokens: 99999}}",
            "decontamination.paraphrases.judge.max_tokens: 99999 leaves no room for the prompt",
        ),
        ("engines=3", "engines: must be a mapping of keys to values (given: 3)"),
        ("seed.x=1", "--set seed.x=1: 'seed' is not a section"),
        ("engines.smollm.price={prompt: 1}", "engines.smollm.price.completion: is missing and has no default"),
        ("engines.smollm.price={prompt: -1, completion: 1}", "engines.smollm.price.prompt: Input should be greater"),
        ("budget={}", "budget: needs tokens or money, or both"),
        ("budget={tokens: 0}", "budget.tokens: Input should be greater than 0"),
        ("budget={money: 5}", "budget.money: engines.smollm has no price and no gpu_hour"),
        ("engines.smollm.max_tokens_field=tokens", "engines.smollm.max_tokens_field: Input should be 'max_tokens' or"),
        ("diversity.model=engine:none", "diversity.model: no engine is named 'none'; engines has ['smollm']"),
        ("dedup.semantic={model: 'engine:smollm'}", "dedup.semantic.model: engine 'smollm' writes texts; give it"),
        ("engines.smollm.task=embed", "engine 'smollm' has task: embed, and writes no texts"),
        ("engines.v={model: m, task: embed, reasoning: false}", "reasoning is for an engine that writes texts"),
        ("engines.smollm.reasoning={begin: '<a>'}", "end: is missing and has no default"),
        ("engines.smollm.reasoning={begin: '#', end: '#'}", "begin and end are both '#'"),
        ("engines.smollm.reasoning={end: ' '}", "engines.smollm.reasoning.end: String should match pattern"),
        ("roles.coder.extra={model: x}", "roles.coder.extra: 'model' is set by engines.NAME.model"),
        ("seed", "--set seed: must have the form key.of.the.setting=value"),
        ("seed={", "--set seed={: the value is not valid YAML"),
    ],
)
def test_a_mistake_is_named_by_its_key(override: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(LOCAL, [override])
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("overrides", "sleeps"),
    [
        ([], False),
        (["engines.judge={model: org/judge}"], True),
        (["engines.judge={model: org/judge}", "engines.smollm.sleep=false"], False),
        (["engines.judge={model: judge, url: http://a/v1}"], False),
        (["engines.judge={model: org/j, args: {gpu-memory-utilization: 0.4}}"], True),
        (
            [
                "engines.judge={model: org/j, args: {gpu-memory-utilization: 0.4}}",
                "engines.smollm.args={gpu_memory_utilization: 0.6}",
            ],
            False,
        ),
    ],
    ids=["one engine", "two", "two and no sleep wanted", "one and an endpoint", "too large together", "side by side"],
)
def test_engines_sleep_when_they_do_not_fit_side_by_side(overrides: list[str], sleeps: bool) -> None:
    judge = ["roles.judge.engine=judge"] if overrides else []
    config = load_config(LOCAL, [*overrides, *judge])
    assert config.engine_of("coder").sleep is sleeps


COMPARER = [
    "engines.comparer={model: org/comparer}",
    "decontamination.paraphrases={judge: {engine: comparer, max_tokens: 99}}",
]


VECTORS = "engines.vectors={model: org/vectors, task: embed}"


def test_an_engine_that_embeds_is_used_where_a_key_names_it_and_is_what_it_serves() -> None:
    overrides = [VECTORS, "dedup.semantic={model: 'engine:vectors'}"]
    config = load_config(LOCAL, overrides)
    assert [*config.used_engines()] == ["smollm", "vectors"] and [*config.embedding_engines()] == ["vectors"]
    vectors = config.used_engines()["vectors"]
    assert vectors.sleep is True  # as both would take all of the memory
    assert config.embedding_model == EmbeddingModel("engine:vectors", "dedup.semantic.model", vectors)
    renamed = [override.replace("vectors=", "v=").replace("engine:vectors", "engine:v") for override in overrides]
    assert load_config(LOCAL, renamed).fingerprint() == config.fingerprint()
    other = ["engines.vectors.model=org/others"]
    assert load_config(LOCAL, [*overrides, *other]).fingerprint() != config.fingerprint()
    assert [*load_config(LOCAL, [VECTORS]).used_engines()] == ["smollm"]


def test_an_engine_that_is_asked_about_paraphrases_alone_is_used_too() -> None:
    used = load_config(LOCAL, COMPARER).used_engines()
    assert {name: engine.sleep for name, engine in used.items()} == {"smollm": True, "comparer": True}
    without = load_config(LOCAL, [*COMPARER, "decontamination.human_eval=false"]).used_engines()
    assert {name: engine.sleep for name, engine in without.items()} == {"smollm": False}


def test_a_fingerprint_knows_the_model_that_is_asked_about_paraphrases_and_not_its_name() -> None:
    fingerprint = load_config(LOCAL, COMPARER).fingerprint()
    renamed = [override.replace("comparer", "other") for override in COMPARER]
    assert load_config(LOCAL, [*renamed, "engines.other.model=org/comparer"]).fingerprint() == fingerprint
    assert load_config(LOCAL, renamed).fingerprint() != fingerprint


def test_embeddings_are_kept_by_one_model() -> None:
    assert load_config(LOCAL).embedding_model is None
    by_meaning = "dedup.semantic={model: /mine}"
    assert load_config(LOCAL, [by_meaning]).embedding_model == EmbeddingModel("/mine", "dedup.semantic.model")
    bred = ["operators.selection=novelty", "diversity.model=/mine"]
    assert load_config(LOCAL, bred).embedding_model == EmbeddingModel("/mine", "diversity.model")
    assert load_config(LOCAL, [*bred, by_meaning]).embedding_model == EmbeddingModel("/mine", "dedup.semantic.model")
    with pytest.raises(
        ConfigurationError, match=r"dedup\.semantic\.model: is /mine, .* goes by diversity\.model, bundled"
    ):
        load_config(LOCAL, [bred[0], by_meaning])


def keys_of(section: type[Section], prefix: str = "") -> Iterator[str]:
    """Give every key of a configuration; those of a mapping of names to sections for the name `smollm`."""
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}"
        kinds = (field.annotation, *get_args(field.annotation))
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, Section) and kind is not OwnPrompt:
                yield from keys_of(kind, f"{prefix}{name}." + "smollm." * (get_origin(field.annotation) is dict))


@pytest.mark.parametrize("value", [".nan", ".inf", "2026-01-01"])
def test_a_value_that_no_key_takes_is_named_as_the_user_wrote_it_and_by_no_class(tmp_path: Path, value: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(PLAIN)
    internal = re.compile(r"[A-Z]\w*(Settings|Tags|Task|Prompt)\b|instance of|function-|\[str|datetime|\bNone\b")
    keys = [*keys_of(Config)]
    assert len(keys) > 150
    for key in keys:
        with pytest.raises(ConfigurationError) as caught:
            load_config(file, [f"{key}={value}"])
        lines = str(caught.value).splitlines()
        [line] = [line for line in lines if line.startswith(f"{file}: {key}: ")]
        assert line.endswith(f"(given: {value})"), line
        assert not internal.search(str(caught.value).replace(value, "")), str(caught.value)


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(LOCAL, ["seed=-1", "colonies=0", "roles.coder.top_p=2"])
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "seed",
        "colonies",
        "roles.coder.top_p",
    ]


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(PLAIN.replace("generations: 2\n", ""))
    with pytest.raises(ConfigurationError, match="generations: is missing and has no default"):
        load_config(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed: 1\nseed: 2\n", "line 2: the key 'seed' is given twice"),
        ("- 1\n", "must be a mapping"),
        ("", "must be a mapping"),
        ("a: [\n", "is not valid YAML"),
        ("store: \0\n", "is not valid YAML"),
        ("store: 2026-02-30\n", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_config(file)
    assert expected in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.yaml: cannot be read: No such file"):
        load_config(tmp_path / "nothing.yaml")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load_config(file)


def test_the_fingerprint_changes_with_what_is_generated_and_with_nothing_else() -> None:
    fingerprint = load_config(LOCAL).fingerprint()
    same = ["store=elsewhere", "generations=9", "engines.smollm.max_num_seqs=8", "ledger.wave_size=10"]
    other = [
        "seed=1",
        "roles.coder.temperature=0.9",
        "dedup.threshold=0.8",
        "dedup.semantic={}",
        "dedup.semantic={threshold: 0.9}",
        "engines.smollm.model=some/other",
    ]
    assert {load_config(LOCAL, [override]).fingerprint() for override in same} == {fingerprint}
    assert len({fingerprint, *(load_config(LOCAL, [override]).fingerprint() for override in other)}) == 7


def own_prompt(folder: Path, text: str, role: str = "judge") -> Path:
    """Write a configuration, in a folder of its own, whose judge has a prompt beside it."""
    (folder / "prompts").mkdir(exist_ok=True)
    (folder / "prompts" / f"{role}.j2").write_text(text)
    data = yaml.safe_load(PLAIN)
    data["roles"][role]["prompt"] = f"prompts/{role}.j2"
    (folder / "run.yaml").write_text(yaml.safe_dump(data))
    return folder / "run.yaml"


def test_a_prompt_is_read_from_beside_the_file_that_names_it(tmp_path: Path) -> None:
    config = load_config(own_prompt(tmp_path, "Is {{ response }} right for {{ instruction }}?"))
    prompt = config.roles.own_prompts()["judge"]
    assert prompt.path == str(tmp_path / "prompts" / "judge.j2")
    assert prompt.text == "Is {{ response }} right for {{ instruction }}?"
    assert set(config.roles.own_prompts()) == {"judge"}
    assert config.model_dump(mode="json")["roles"]["judge"]["prompt"] == prompt.path


def test_every_role_and_every_task_of_ones_own_may_have_a_prompt(tmp_path: Path) -> None:
    texts = {
        "tester": "{{ count }} for {{ instruction }}, {{ code }}",
        "repair": "{{ instruction }} {{ code }} {{ test }} in {{ language }}",
        "shorter": "Shorten {{ instruction }}",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.j2").write_text(text)
    data = yaml.safe_load(LOCAL.read_text())
    data["seeds"] = str(LOCAL.parent / data["seeds"])
    data["operators"] |= {"tasks": {"shorter": {"prompt": "shorter.j2", "weight": 3}}}
    data["roles"]["instructor"].pop("prompts")
    data["roles"]["coder"] |= {"repair": True, "repair_prompt": "repair.j2", "prompt": None, "samples": 1}
    data["roles"]["judge"].pop("prompt")
    data["roles"]["tester"] = {"engine": "smollm", "max_tokens": 100, "prompt": "tester.j2"}
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump(data))
    config = load_config(file, ["acceptance=tests"])
    assert {name: prompt.text for name, prompt in config.own_prompts().items()} == texts
    assert config.operators.weights()["shorter"] == 3
    first = config.fingerprint()
    (tmp_path / "shorter.j2").write_text("Shorten this: {{ instruction }}")
    assert load_config(file, ["acceptance=tests"]).fingerprint() != first
    assert load_config(file, ["acceptance=tests", f"operators.tasks.shorter.prompt={file.parent}/shorter.j2"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "operators.tasks={shorter: {prompt: x.j2}}",
            "operators.tasks.shorter.prompt: {folder}/x.j2: does not use instr",
        ),
        ("operators.tasks={shorter: {weight: 1}}", "operators.tasks.shorter.prompt: is missing and has no default"),
        (
            "operators.tasks={shorter: {prompt: no.j2}}",
            "operators.tasks.shorter.prompt: no.j2: cannot be read",
        ),
        ("operators.tasks={reasoning: {prompt: y.j2}}", "operators.tasks: 'reasoning' is a name of the project's"),
        ("operators.tasks={Bad-Name: {prompt: y.j2}}", "operators.tasks.Bad-Name: String should match pattern"),
        ("operators.tasks={a: {prompt: y.j2, weight: -1}}", "operators.tasks.a.weight: Input should be greater than"),
        (
            "roles.coder.repair_prompt=x.j2",
            "roles.coder.repair_prompt: {folder}/x.j2: does not use instruction, code, test",
        ),
        ("language=ja va", "language: must be a language's name"),
        ("language=java", "language: java cannot be run, as acceptance: execution>=0.75 asks for"),
    ],
)
def test_tasks_prompts_and_languages_that_cannot_be_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, override: str, message: str
) -> None:
    (tmp_path / "x.j2").write_text("Nothing.")
    (tmp_path / "y.j2").write_text("{{ instruction }}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as raised:
        load_config(LOCAL, [override.replace("x.j2", f"{tmp_path}/x.j2") if "tasks" in override else override])
    assert message.format(folder=tmp_path) in str(raised.value)


def test_money_has_a_price_and_decides_on_nothing_that_is_generated() -> None:
    plain = load_config(LOCAL)
    priced = load_config(LOCAL, ["engines.smollm.gpu_hour=2.5", "budget={money: 5, tokens: 1000}"])
    engine = priced.engines["smollm"]
    assert (engine.hourly(4), engine.hourly(None), plain.engines["smollm"].hourly(4)) == (10.0, 2.5, None)
    assert priced.fingerprint() == plain.fingerprint()
    assert Price(prompt=0.5, completion=2.0).of(1_000_000, 500_000) == 1.5


def test_another_language_leaves_python_s_rules_out(tmp_path: Path) -> None:
    given = ["acceptance=judge", "roles.coder.samples=1", "sandbox.check_runs=true"]
    python, java = load_config(LOCAL, given), load_config(LOCAL, [*given, "language=Java"])
    assert (python.runs_code, java.runs_code) == (True, False)
    assert python.fingerprint() != java.fingerprint()
    assert "language" not in python.fingerprint_payload()
    assert load_config(LOCAL, [*given, "language=Python3"]).language == "python"


def test_a_crossover_s_prompt_may_name_each_of_its_parents(tmp_path: Path) -> None:
    (tmp_path / "own.j2").write_text("{{ examples[0] }} {{ examples[2] }}")
    prompt = f"roles.instructor.prompts.crossover={tmp_path / 'own.j2'}"
    assert load_config(LOCAL, ["operators.crossover_parents=3", prompt]).operators.crossover_parents == 3
    with pytest.raises(ConfigurationError, match=r"own\.j2: cannot be rendered"):
        load_config(LOCAL, ["operators.crossover_parents=2", prompt])
    with pytest.raises(ConfigurationError, match="operators: "):
        load_config(LOCAL, ["operators=5", prompt])
    with pytest.raises(ConfigurationError, match=r"operators\.crossover_parents: .*1000000000"):
        load_config(LOCAL, ["operators.crossover_parents=1000000000", prompt])


def test_a_prompt_in_an_override_is_taken_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_prompt(tmp_path, "Solve {{ instruction }}", "coder")
    monkeypatch.chdir(tmp_path / "prompts")
    assert load_config(LOCAL, ["roles.coder.prompt=coder.j2"]).roles.own_prompts()["coder"].text.startswith("Solve")


def test_the_text_of_a_prompt_is_part_of_what_a_run_means_and_its_path_is_not(tmp_path: Path) -> None:
    file = own_prompt(tmp_path, "{{ response }} for {{ instruction }}")
    first, plain = load_config(file).fingerprint(), load_config(file, ["roles.judge.prompt=null"]).fingerprint()
    (tmp_path / "elsewhere").mkdir()
    assert (
        load_config(own_prompt(tmp_path / "elsewhere", "{{ response }} for {{ instruction }}")).fingerprint() == first
    )
    own_prompt(tmp_path, "{{ response }} to {{ instruction }}")
    assert len({load_config(file).fingerprint(), first, plain}) == 3
    (tmp_path / "plain.yaml").write_text(PLAIN)
    assert plain == load_config(tmp_path / "plain.yaml").fingerprint()


@pytest.mark.parametrize(
    ("role", "text", "expected"),
    [
        ("judge", "{{ instruction }}", "roles.judge.prompt: {file}: does not use response"),
        ("coder", "{{ instruction }}{{ response }}", "roles.coder.prompt: {file}: uses response"),
        ("coder", "{{ instruction", "roles.coder.prompt: {file}: line 1: is no valid Jinja2"),
        ("instructor", "{{ instruction }}", "roles.instructor.prompt: unknown key"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_named_by_key_and_file(
    role: str, text: str, expected: str, tmp_path: Path
) -> None:
    config = own_prompt(tmp_path, text, role)
    with pytest.raises(ConfigurationError) as caught:
        load_config(config)
    assert expected.format(file=tmp_path / "prompts" / f"{role}.j2") in str(caught.value)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("roles.judge.prompt=/nowhere/judge.j2", "roles.judge.prompt: /nowhere/judge.j2: cannot be read: No such file"),
        ("roles.judge.prompt=7", "roles.judge.prompt: must be the path of a Jinja2 file (given: 7)"),
        ("decontamination.paraphrases={judge: {engine: smollm, prompt: x}}", "judge.prompt: unknown key"),
    ],
)
def test_a_prompt_that_is_not_there_is_a_mistake_of_the_configuration(override: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(LOCAL, [override])
    assert expected in str(caught.value)


def test_by_default_the_judge_decides_and_no_code_is_run(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(PLAIN)
    config = load_config(file)
    assert (config.acceptance, config.runs_code, config.accepts_by_tests) == ("judge", False, False)
    assert load_config(file, ["sandbox.check_runs=true"]).runs_code
    assert load_config(file, ["roles.tester={engine: smollm}"]).runs_code
    compared = load_config(file, ["roles.coder.samples=2"])
    assert (compared.runs_code, compared.compares_solutions, compared.checks_runs) == (True, True, False)


def test_execution_decides_where_it_is_asked_to(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(PLAIN)
    config = load_config(file, ["acceptance=execution", "roles.coder.samples=2"])
    assert (config.accepts_by_execution, config.checks_runs, config.compares_solutions) == (True, True, True)
    assert config.min_fitness is None


@pytest.mark.parametrize(
    ("acceptance", "samples", "agreeing"),
    [
        ("execution", 5, 2),
        ("execution>=0", 5, 2),
        ("execution>=0.6", 5, 3),
        ("execution>=0.5", 5, 3),
        ("execution>=1", 4, 4),
    ],
)
def test_a_share_of_the_solutions_has_to_agree_and_two_at_least(
    tmp_path: Path, acceptance: str, samples: int, agreeing: int
) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(PLAIN)
    config = load_config(file, [f"acceptance={acceptance}", f"roles.coder.samples={samples}"])
    assert (config.accepts_by_execution, config.min_agreeing) == (True, agreeing)


def test_prompts_of_the_instructor_lie_beside_the_file_and_are_part_of_what_a_run_means(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        PLAIN.replace("instructor: {engine: smollm}", "instructor: {engine: smollm, prompts: {reasoning: r.j2}}")
    )
    (tmp_path / "r.j2").write_text("{% user %}Harder: {{ instruction }}{% assistant %}Write")
    first = load_config(file)
    assert first.roles.own_prompts()["reasoning"].path == str(tmp_path / "r.j2")
    assert first.model_dump(mode="json")["roles"]["instructor"]["prompts"] == {"reasoning": str(tmp_path / "r.j2")}
    (tmp_path / "r.j2").write_text("{% user %}Make it harder: {{ instruction }}{% assistant %}Write")
    without = load_config(file, ["roles.instructor.prompts={}"])
    assert len({first.fingerprint(), load_config(file).fingerprint(), without.fingerprint()}) == 3


@pytest.mark.parametrize(
    ("acceptance", "by_tests", "least"),
    [
        ("judge", False, None),
        ("tests", True, None),
        ("judge_and_tests", True, None),
        ("fitness>=0.75", False, 0.75),
        ("fitness>=1", False, 1.0),
    ],
)
def test_acceptance_says_who_decides(acceptance: str, by_tests: bool, least: float | None) -> None:
    changes = ["roles.tester={engine: smollm}", f"acceptance={acceptance}"]
    config = load_config(LOCAL, changes)
    assert (config.accepts_by_tests, config.min_fitness) == (by_tests, least)
